/** What a whole run would do, as text for people. */
import type { Interval } from '../sample/estimate.js';
import type { OperatorPrediction, StagePrediction } from '../sample/predict.js';
import { formatBytes, formatCount, formatSeconds } from './format.js';
import { plainText } from './plain-text.js';
import { table } from './table.js';

/** Each stage with a line for each of its operators; ranges in parentheses hold with 95 % confidence. */
export function describePredictions(predictions: readonly StagePrediction[]): string {
  const parts = [...predictions, ...predictions.flatMap(({ branches }) => branches)];
  const stateful = parts.some(({ operators }) => operators.some((operator) => operator.stateful));
  const note = '\n* carries a state from row to row: it does more in a whole run, where more rows meet\n';
  return `${predictions.map(describeStage).join('\n')}${stateful ? note : ''}`;
}

const HEAD = ['', 'keeps', 'rows out', 'bytes out', 'busy', 'memory'];

function describeStage({
  stage,
  use,
  sampled,
  of,
  rows,
  seconds,
  memory,
  operators,
  branches,
  failure,
}: StagePrediction): string {
  const among = of === undefined ? '' : ` of ${formatCount(of.rows)}`;
  const units = of === undefined ? '' : `, from ${formatCount(sampled.units)} of ${formatCount(of.units)} units`;
  const head = `${stage}: ${use}, on ${formatCount(sampled.rows)} rows${among}${units}`;
  if (failure !== undefined) return `${plainText(head)}\n  it failed on the sample: ${failure}\n`;
  if (operators.length === 0) return `${plainText(head)}\n  no row of the sample came to it\n`;
  const lines = [
    HEAD,
    ...operators.map((operator) => describeOperator(operator, '  ')),
    ...branches.flatMap((branch) => [
      [`  branch ${branch.name}`, ...HEAD.slice(1).map(() => '')],
      ...branch.operators.map((operator) => describeOperator(operator, '    ')),
    ]),
  ];
  const whole = [
    rows === undefined ? undefined : `${withRange(rows, formatCount)} rows in`,
    seconds === undefined ? undefined : describeTime(seconds),
    `${formatBytes(memory)} of memory`,
  ];
  return `${plainText(head)}\n${table(lines)}  in all: ${whole.filter((part) => part !== undefined).join(', ')}\n`;
}

function describeOperator(
  { name, stateful, keeps, rowsOut, bytes, seconds, memory }: OperatorPrediction,
  indent: string,
): string[] {
  const unknown = '?';
  return [
    `${indent}${name}${stateful ? '*' : ''}`,
    Number.isNaN(keeps.value) ? unknown : withRange(keeps, formatShare),
    rowsOut === undefined ? unknown : withRange(rowsOut, formatCount),
    bytes === undefined ? unknown : withRange(bytes, formatBytes),
    seconds === undefined ? unknown : withRange(seconds, formatSeconds),
    memory === 0 ? '' : formatBytes(memory),
  ];
}

function describeTime({ low, high }: Pick<Interval, 'low' | 'high'>): string {
  return Number.isFinite(high)
    ? `${formatSeconds(low)} to ${formatSeconds(high)}`
    : 'a time that one unit does not tell';
}

function formatShare(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** `57,300 (56,100 to 58,500)`; the figure alone where both ends read the same. */
function withRange({ value, low, high }: Interval, format: (value: number) => string): string {
  if (!Number.isFinite(high)) return `about ${format(value)}`;
  const [text, from, to] = [value, low, high].map(format);
  return from === text && to === text ? text! : `${text} (${from} to ${to})`;
}
