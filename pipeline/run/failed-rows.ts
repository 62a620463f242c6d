/** The rows of a complete stage that could not be worked on, and whether they can be tried again by themselves. */
import { join } from 'node:path';
import type { DroppedRow } from '../graph/chain.js';
import type { RowChoice } from '../graph/read-source.js';
import type { PlannedStage } from '../plan/plan.js';
import { CRASHED } from '../pool/worker-pool.js';
import { type Unit, unitKey } from '../source.js';
import { readLedger } from './read-ledger.js';
import { LEDGER } from './stage-run.js';

/** Which step a row failed at, and why. */
export interface Failure {
  /** The step's label. */
  readonly operator: string;
  readonly reason: string;
}

/** Rows that failed, by where they were read. None of those is among them that the source itself dropped. */
export interface FailedRows extends RowChoice {
  readonly count: number;
  /** By their number in the unit; undefined for a unit without any. */
  in(unit: Pick<Unit, 'file' | 'rowGroup'>): ReadonlyMap<number, Failure> | undefined;
  all(): Iterable<Failure>;
}

/** Finds the rows that steps of a stage dropped for a reason that says they failed. What its branches drop is not among them. */
export async function findFailedRows({ name, folder, steps }: PlannedStage): Promise<FailedRows> {
  const fails = new Map(steps.map(({ label, operator }) => [label, new Set([...operator.fails, CRASHED])]));
  const units = new Map<string, Map<number, Failure>>();
  let count = 0;
  for await (const { stage, operator, reason, row, ...place } of readLedger(join(folder, LEDGER))) {
    if (stage !== name || fails.get(operator)?.has(reason) !== true) continue;
    const unit = unitKey(place);
    if (!units.has(unit)) units.set(unit, new Map());
    units.get(unit)!.set(row, { operator, reason });
    count++;
  }
  return {
    count,
    sample: false,
    in: (unit) => units.get(unitKey(unit)),
    *all() {
      for (const rows of units.values()) yield* rows.values();
    },
  };
}

/** Whether a ledger's row is one of those that failed. */
export function isFailed(failed: FailedRows, row: DroppedRow): boolean {
  const failure = failed.in(row)?.get(row.row);
  return failure !== undefined && failure.operator === row.operator && failure.reason === row.reason;
}

/**
 * Whether failed rows can be tried again without the others: one source, steps that carry nothing from row to row, and no branch that
 * was given the rows when they failed.
 */
export function canRetryAlone({ stage, rows, sink, steps, branches }: PlannedStage, failed: FailedRows): boolean {
  if (!stage.passesRows || rows === undefined || sink?.sink.adds !== true) return false;
  if (!('source' in rows.from) && rows.from.length > 1) return false;
  const operators = [...steps, ...branches.flatMap((branch) => branch.steps)];
  if (operators.some(({ operator }) => operator.carries !== 'nothing')) return false;
  if (branches.some((branch) => branch.sink.sink.adds !== true)) return false;
  const rejecting = new Set(branches.flatMap(({ rejectedBy }) => rejectedBy));
  for (const { operator } of failed.all()) if (rejecting.has(operator)) return false;
  return true;
}
