/** The report of a run as text for people: where the rows went. */
import type { OperatorReport, RunReport, StageReport } from '../run/report.js';
import { formatCount, formatSeconds } from './format.js';
import { plainText } from './plain-text.js';

/** Each stage, with the rows that came out of each of its operators and those that it dropped. */
export function describeReport({ stages, unreported }: Pick<RunReport, 'stages' | 'unreported'>): string {
  const head = unreported === undefined ? '' : `${plainText(describeUnreported(unreported))}\n`;
  return `${head}${stages.map((stage) => `${describeStage(stage)}\n`).join('')}`;
}

/** That a later run has no report yet, and what that means for what is shown. */
export function describeUnreported({ pid, host, startedAt, atWork }: NonNullable<RunReport['unreported']>): string {
  const state = atWork ? 'is at work' : 'was killed, or has ended without a report';
  return `process ${pid} on ${host}, started ${startedAt}, ${state}: stages that it has not come to are as a run before it left them`;
}

function describeStage({ name, use, status, seconds, rows }: StageReport): string {
  const head = `${name} (${use}) ${status}${status === 'unfinished' ? '' : `, ${formatSeconds(seconds)}`}`;
  if (rows === undefined) return plainText(head);
  const left = rows.unused === undefined ? '' : ` + ${formatCount(rows.unused)} not needed`;
  const sum = `${formatCount(rows.in)} rows in = ${formatCount(rows.out)} out + ${formatCount(rows.ledger)} dropped${left}`;
  const branches = (rows.branches ?? []).flatMap((branch) => [
    `  branch ${branch.name}`,
    ...flow(branch.operators, '    '),
  ]);
  return [`${head}: ${sum}`, ...flow(rows.operators, '  '), ...branches].map(plainText).join('\n');
}

/** A line for each operator: its name, the rows that came out, and what it dropped, the most first. */
function flow(operators: readonly OperatorReport[], indent: string): string[] {
  const counts = operators.map(({ rowsOut }) => formatCount(rowsOut));
  const [nameWidth, countWidth] = [
    Math.max(0, ...operators.map(({ name }) => name.length)),
    Math.max(0, ...counts.map(({ length }) => length)),
  ];
  return operators.map(({ name, dropped }, i) => {
    const reasons = dropped
      .filter(({ rows }) => rows > 0)
      .toSorted((a, b) => b.rows - a.rows)
      .map(({ reason, rows }) => `${formatCount(rows)} ${reason}`)
      .join(', ');
    const line = `${indent}${name.padEnd(nameWidth)}  ${counts[i]!.padStart(countWidth)}`;
    return reasons === '' ? line : `${line}  dropped ${reasons}`;
  });
}
