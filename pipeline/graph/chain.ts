import type { RecordBatch, Schema } from 'apache-arrow';
import { Observable, type OperatorFunction } from 'rxjs';
import { originOf, originWords, withoutOrigin } from '../batch/origin.js';
import { AlignflowError, reasonOf } from '../errors.js';
import type { OperatorContext } from '../operator.js';
import type { PlannedStep } from '../plan/plan.js';
import { createRandom } from '../run/random.js';
import type { Unit } from '../source.js';
import { type BusyClock, createAccount, createBusyClock, type OperatorAccount } from './account.js';
import type { MemoryBudget } from './budget.js';

/** One operator of a stage, ready to run: `output` is the schema that it declared to emit, without hidden columns. */
export type Step = Pick<PlannedStep, 'operator' | 'options' | 'label' | 'seed' | 'output'>;

/** A row that an operator dropped. */
export interface DroppedRow {
  readonly stage: string;
  readonly operator: string;
  readonly reason: string;
  /** The figure that was measured last of the row, where there is one. */
  readonly measure?: string;
  readonly value?: number;
  readonly detail?: string;
  readonly file: string;
  readonly rowGroup?: number;
  readonly row: number;
  readonly epoch: number;
}

/** What a chain of operators shares. */
export interface ChainContext {
  readonly stage: string;
  readonly signal: AbortSignal;
  readonly budget: MemoryBudget;
  readonly folder: string;
  /** The units that origins point to. */
  readonly units: readonly Unit[];
  readonly drop: (row: DroppedRow) => void;
}

/** A stage's operators as one stream operator, with an account of each. */
export function chain(steps: readonly Step[], context: ChainContext) {
  const clock = createBusyClock();
  const accounts = steps.map((step) => createAccount(step.label));
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

/** Puts one operator behind a stream: counts its rows, times it, holds it to its declared schema, names it in errors. */
function link(
  source: Observable<RecordBatch>,
  step: Step,
  account: OperatorAccount,
  clock: BusyClock,
  context: ChainContext,
): Observable<RecordBatch> {
  const { operator, options, label } = step;
  const where = { stage: context.stage, operator: label };
  const counted = new Observable<RecordBatch>((subscriber) =>
    source.subscribe({
      next: (batch) => {
        account.rowsIn += batch.numRows;
        clock.run(account, () => subscriber.next(batch));
      },
      error: (error: unknown) => subscriber.error(error),
      complete: () => clock.run(account, () => subscriber.complete()),
    }),
  );
  let checked = false;
  return new Observable((subscriber) => {
    // What comes from upstream passes through the operator's output too; it has its place already.
    const fail = (error: unknown) =>
      subscriber.error(error instanceof AlignflowError ? error.at(where) : broken(error, where));
    return operator
      .run(
        options,
        operatorContext(step, account, context),
      )(counted)
      .subscribe({
        next: (batch) => {
          account.rowsOut += batch.numRows;
          if (!checked) {
            const difference = schemaDifference(withoutOrigin(batch).schema, step.output);
            if (difference !== undefined) {
              fail(
                new AlignflowError({
                  what: `the operator emits ${difference}`,
                  expected: 'the schema that its `writes` declares',
                }),
              );
              return;
            }
            checked = true;
          }
          subscriber.next(batch);
        },
        error: fail,
        complete: () => subscriber.complete(),
      });
  });
}

function operatorContext(
  { operator, label, seed }: Step,
  account: OperatorAccount,
  chained: ChainContext,
): OperatorContext {
  let measured: { readonly measure: string; readonly value: number } | undefined;
  return {
    stage: chained.stage,
    operator: label,
    seed,
    signal: chained.signal,
    budget: chained.budget,
    folder: chained.folder,
    random(batch, row) {
      const words = originWords(batch);
      return createRandom(seed, words?.[2 * row] ?? row, words?.[2 * row + 1] ?? 0);
    },
    measure(measure, value) {
      measured = { measure, value };
    },
    keep() {
      measured = undefined;
    },
    drop(batch, row, reason, detail) {
      if (!operator.drops.includes(reason)) {
        throw new AlignflowError({ what: `the operator dropped a row as "${reason}", which it did not declare` });
      }
      account.dropped.set(reason, (account.dropped.get(reason) ?? 0) + 1);
      const origin = originOf(batch, row) ?? { epoch: 0, unit: 0, row };
      const unit = chained.units[origin.unit];
      chained.drop({
        stage: chained.stage,
        operator: label,
        reason,
        ...measured,
        ...(detail === undefined ? {} : { detail }),
        file: unit?.file ?? '',
        ...(unit?.rowGroup === undefined ? {} : { rowGroup: unit.rowGroup }),
        row: origin.row,
        epoch: origin.epoch,
      });
      measured = undefined;
    },
  };
}

function broken(error: unknown, where: { stage: string; operator: string }): AlignflowError {
  return new AlignflowError({
    what: `the operator failed: ${reasonOf(error)}`,
    where,
    fix: 'a failure that is no AlignflowError is a defect of the operator; the stack is the cause of this error',
    cause: error,
  });
}

/** The first difference of two schemas in names and types, in words; undefined for none. */
export function schemaDifference(actual: Schema, declared: Schema): string | undefined {
  const names = (schema: Schema) => schema.fields.map((field) => field.name);
  for (const field of declared.fields) {
    const found = actual.fields.find(({ name }) => name === field.name);
    if (found === undefined) return `no column ${field.name}`;
    if (String(found.type) !== String(field.type)) return `column ${field.name} as ${found.type}, not ${field.type}`;
  }
  const more = names(actual).find((name) => !names(declared).includes(name));
  return more === undefined ? undefined : `a column ${more} that was not declared`;
}
