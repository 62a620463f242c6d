import type { RecordBatch } from 'apache-arrow';
import { catchError, defer, map, Observable, type OperatorFunction, tap, throwError } from 'rxjs';
import { batchBytes } from '../batch/bytes.js';
import { originOf, withoutOrigin } from '../batch/origin.js';
import { keyReader } from '../batch/row-key.js';
import { copyRows, takeRows } from '../batch/select.js';
import { AlignflowError, placeError } from '../errors.js';
import type { PlannedStep } from '../plan/plan.js';
import { pooled } from '../pool/pooled.js';
import type { WorkerPool } from '../pool/worker-pool.js';
import type { RowsProgress } from '../run/progress.js';
import { scoresOf } from '../run/score-store.js';
import type { Unit } from '../source.js';
import { type BusyClock, createBusyClock, type OperatorAccount, openAccount } from './account.js';
import { followActivity } from './activity.js';
import type { MemoryBudget } from './budget.js';
import { type Drop, operatorContext } from './operator-context.js';
import { holdToRules } from './rules.js';

/**
 * One operator of a stage, ready to run: `output` is the schema that it declared to emit, without hidden columns. One that
 * names its module can run in a pool.
 */
export type Step = Pick<PlannedStep, 'operator' | 'options' | 'label' | 'seed' | 'output'> &
  Partial<Pick<PlannedStep, 'module' | 'code' | 'holds'>>;

/** A row that an operator dropped. */
export interface DroppedRow {
  readonly stage: string;
  readonly operator: string;
  readonly reason: string;
  /** The figure that was measured last of the row, where there is one. */
  readonly measure?: string;
  readonly value?: number;
  /** What the value was held against, where the operator says so. */
  readonly threshold?: number;
  readonly detail?: string;
  /** The place of what it was read from among all that the stage reads; 0 unless given. */
  readonly unit?: number;
  readonly file: string;
  readonly rowGroup?: number;
  readonly row: number;
  readonly epoch: number;
  /** What the manifest's `key` column calls it, where the row has one. */
  readonly key?: string;
}

/** What a chain of operators shares. */
export interface ChainContext {
  readonly stage: string;
  readonly signal: AbortSignal;
  readonly budget: MemoryBudget;
  readonly folder: string;
  /** The units that origins point to. */
  readonly units: readonly Unit[];
  /** Column that names a row, for the ledger. */
  readonly key?: string;
  /** `values` copies the row as the operator dropped it, without hidden columns. */
  readonly drop: (row: DroppedRow, values: () => RecordBatch) => void;
  /** By the label of an operator: takes the rows that it drops, as it was given them, in their order. */
  readonly rejects?: ReadonlyMap<string, (rows: RecordBatch) => void>;
  /** Where heavy operators run; without it, they run in this thread. */
  readonly pool?: WorkerPool;
  /** What an interrupted run left of its accounts and operators. */
  readonly progress?: Pick<RowsProgress, 'account' | 'state'>;
}

/** A stage's operators as one stream operator, with an account of each. */
export function chain(steps: readonly Step[], context: ChainContext) {
  const clock = createBusyClock();
  const { stage, progress } = context;
  const accounts = steps.map(({ label }) => openAccount(label, stage, progress));
  const run: OperatorFunction<RecordBatch, RecordBatch> = (source) => {
    const linked = steps.reduce((stream, step, i) => link(stream, step, accounts[i]!, clock, context), source);
    return steps.length === 0
      ? linked
      : new Observable((subscriber) =>
          linked.subscribe({
            next: (batch) => clock.outside(() => subscriber.next(batch)),
            error: (error: unknown) => subscriber.error(error),
            complete: () => subscriber.complete(),
          }),
        );
  };
  return { run, accounts: accounts as readonly OperatorAccount[] };
}

/** Puts one operator behind a stream: counts its rows, times it, holds it to the rules, names it in errors. */
function link(
  source: Observable<RecordBatch>,
  step: Step,
  account: OperatorAccount,
  clock: BusyClock,
  context: ChainContext,
): Observable<RecordBatch> {
  const { operator, options, label } = step;
  const activity = followActivity(account, context.budget);
  const where = { stage: context.stage, operator: label };
  return new Observable((subscriber) => {
    const rejected = collectRejected(context.rejects?.get(label));
    const rules = holdToRules(step, account, context.budget.limit);
    const obey = (fault: AlignflowError | undefined) => {
      if (fault !== undefined) subscriber.error(placed(fault));
    };
    let upstream: { readonly error: unknown } | undefined;
    let given = false;
    const counted = new Observable<RecordBatch>((inner) =>
      source.subscribe({
        next: (batch) => {
          account.rowsIn += batch.numRows;
          obey(rules.given(batch));
          if (subscriber.closed) return;
          activity.arrive(() => clock.run(account, () => inner.next(batch)));
          // What a step behind it did to the batch has ended the stream by now.
          if (!subscriber.closed) obey(rules.taken(batch));
          rejected.flush();
        },
        error: (error: unknown) => {
          upstream = { error };
          inner.error(error);
        },
        complete: () => {
          given = true;
          account.ending = true;
          clock.run(account, () => inner.complete());
        },
      }),
    );
    // What failed before the operator passes through it, and has its place already.
    const placed = (error: unknown) =>
      upstream !== undefined && error === upstream.error ? error : placeError(error, where, 'operator');
    const checked = (emitted: RecordBatch): RecordBatch => {
      const batch = rules.emitted(emitted);
      rejected.flush();
      account.rowsOut += batch.numRows;
      account.bytes += batchBytes(batch);
      return batch;
    };
    const { stage, signal, folder, pool } = context;
    const { budget } = activity;
    const take = bookDrop(label, account, context, rejected.add);
    const operatorOf = (): OperatorFunction<RecordBatch, RecordBatch> => {
      if (pool !== undefined && operator.heavy && step.module !== undefined)
        return pooled(
          { ...step, module: step.module, code: step.code, stage, folder },
          { pool, budget, account, take },
        );
      const scores = scoresOf(step.code);
      const surroundings = { stage, operator: label, seed: step.seed, signal, budget, folder, scores };
      const state = context.progress?.state(stage, label);
      return operator.run(
        options,
        operatorContext(surroundings, operator, { take, measured: account.measured }, state),
      );
    };
    return defer(() => operatorOf()(counted))
      .pipe(
        map(checked),
        tap({
          complete: () => {
            rejected.flush();
            if (!given) throw endedEarly();
            account.ending = false;
          },
        }),
        catchError((error: unknown) => throwError(() => placed(error))),
      )
      .subscribe(subscriber);
  });
}

/** Gathers dropped rows by the batch that they came in. They are handed on before the rows that were kept of it. */
function collectRejected(take: ((rows: RecordBatch) => void) | undefined) {
  let batch: RecordBatch | undefined;
  let rows: number[] = [];
  const flush = (): void => {
    if (batch === undefined) return;
    const taken = takeRows(batch, Uint32Array.from(rows));
    batch = undefined;
    rows = [];
    take?.(taken);
  };
  const add = (from: RecordBatch, row: number): void => {
    if (take === undefined) return;
    if (batch !== from) flush();
    batch = from;
    rows.push(row);
  };
  return { add, flush };
}

/** Books a dropped row: in the operator's account, for the ledger with its origin, and for what takes rejected rows. */
function bookDrop(
  label: string,
  account: OperatorAccount,
  { stage, units, drop, key: column }: ChainContext,
  reject: (batch: RecordBatch, row: number) => void,
): (dropped: Drop) => void {
  const keyOf = column === undefined ? () => undefined : keyReader(column);
  return ({ batch, row, reason, ...more }) => {
    account.dropped.set(reason, (account.dropped.get(reason) ?? 0) + 1);
    const origin = originOf(batch, row) ?? { epoch: 0, unit: 0, row };
    const unit = units[origin.unit];
    const key = keyOf(batch, row);
    const dropped: DroppedRow = {
      stage,
      operator: label,
      reason,
      ...more,
      unit: origin.unit,
      file: unit?.file ?? '',
      ...(unit?.rowGroup === undefined ? {} : { rowGroup: unit.rowGroup }),
      row: origin.row,
      epoch: origin.epoch,
      ...(key === undefined ? {} : { key }),
    };
    drop(dropped, () => copyRows(withoutOrigin(batch), Uint32Array.of(row)));
    reject(batch, row);
  };
}

function endedEarly(): AlignflowError {
  return new AlignflowError({
    what: 'the operator came to its end before the rows did: those that were still to come would be lost',
    expected: 'a stream that completes when the one that it is given has completed',
    fix: 'subscribe to all rows, and drop those that are not wanted with context.drop',
  });
}
