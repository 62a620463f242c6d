import { join } from 'node:path';
import type { Command } from 'commander';
import { AlignflowError } from '../errors.js';
import type { DroppedRow } from '../graph/chain.js';
import { nearestName } from '../manifest/nearest.js';
import { createDropTotals, someOfEach } from '../run/drop-totals.js';
import { readLedger } from '../run/read-ledger.js';
import { readRunReport } from '../run/read-report.js';
import { LEDGER } from '../run/stage-run.js';
import { describeDropped, describeTotals } from '../terminal/dropped-text.js';
import { formatCount } from '../terminal/format.js';
import { wholeNumber } from './arguments.js';

/** Which rows are asked for. */
interface DroppedOptions {
  readonly stage?: string;
  readonly operator?: string;
  readonly reason?: string;
  readonly show: number;
  readonly json: boolean;
}

/** `alignflow dropped RUN`: the rows that a run dropped, from the ledgers of its stages. */
export function addDroppedCommand(program: Command): void {
  program
    .command('dropped')
    .description('show the rows that a run dropped: how many, by which operator, why, and where they came from')
    .argument('<run>', 'the output folder of a run')
    .option('--stage <name>', 'rows of this stage alone')
    .option('--operator <name>', 'rows that this operator dropped: filter/score, or filter/score[2] for one place')
    .option('--reason <reason>', 'rows that were dropped for this reason')
    .option('--show <count>', 'rows to show one by one', wholeNumber, 20)
    .option('--json', 'write every row as a line of JSON', false)
    .action(showDropped);
}

async function showDropped(run: string, options: DroppedOptions): Promise<void> {
  const names = (await readRunReport(run)).stages.map(({ name }) => name);
  const stages = options.stage === undefined ? names : [known(options.stage, names, 'stage')];
  const totals = createDropTotals(options.json ? 0 : options.show);
  const seen = { operators: new Set<string>(), reasons: new Set<string>() };
  for (const stage of stages)
    for await (const row of readLedger(join(run, stage, LEDGER))) {
      seen.operators.add(row.operator);
      seen.reasons.add(row.reason);
      if (!isAskedFor(row, options)) continue;
      totals.add(row);
      if (options.json) process.stdout.write(`${JSON.stringify(row)}\n`);
    }
  const all = totals.all();
  if (all.length === 0) {
    const operators = [...seen.operators, ...[...seen.operators].map(withoutPlace)];
    if (options.operator !== undefined) known(options.operator, operators, 'operator that dropped a row');
    if (options.reason !== undefined) known(options.reason, [...seen.reasons], 'reason for which a row was dropped');
  }
  if (options.json) return;
  if (all.length === 0) return void process.stdout.write('no row was dropped\n');
  const rows = all.reduce((sum, total) => sum + total.rows, 0);
  process.stdout.write(describeTotals(all));
  const shown = someOfEach(all, options.show);
  if (shown.length === 0) return;
  const which = shown.length === rows ? `All ${formatCount(rows)}` : `${shown.length} of ${formatCount(rows)}`;
  process.stdout.write(`\n${which}:\n${describeDropped(shown)}`);
}

function isAskedFor({ operator, reason }: DroppedRow, wanted: DroppedOptions): boolean {
  const { operator: name = operator } = wanted;
  return (name === operator || name === withoutPlace(operator)) && (wanted.reason ?? reason) === reason;
}

/** `filter/score` of `filter/score[2]`. */
function withoutPlace(operator: string): string {
  return operator.replace(/\[\d+\]$/, '');
}

/** A name that is among others; an error with the nearest one otherwise. */
function known(name: string, names: readonly string[], what: string): string {
  if (names.includes(name)) return name;
  const nearest = nearestName(name, names);
  throw new AlignflowError({
    what: `there is no ${what} ${name}`,
    expected: `one of ${[...new Set(names)].join(', ') || 'none'}`,
    ...(nearest === undefined ? {} : { fix: `did you mean ${nearest}?` }),
  });
}
