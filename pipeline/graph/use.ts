import type { RecordBatch } from 'apache-arrow';
import { map, Observable, type OperatorFunction, Subject } from 'rxjs';
import { originWords, withOrigin, withoutOrigin } from '../batch/origin.js';
import type { Operator } from '../operator.js';
import type { Options } from '../plan/plan.js';
import { deriveSeed } from '../run/random.js';
import { createBudget, type MemoryBudget } from './budget.js';
import { chain, type DroppedRow } from './chain.js';

/** What surrounds an operator that is used by itself. */
export interface UseOptions {
  /** Seed of its random choices; 0 unless given. */
  readonly seed?: number;
  /** Gets each row that it drops: its reason, its number in the stream, what was measured. `values` copies the row. */
  readonly drop?: (row: DroppedRow, values: () => RecordBatch) => void;
  /** Bytes that are in flight; no bound unless given. */
  readonly budget?: MemoryBudget;
  readonly signal?: AbortSignal;
  /** For operators that make files; the working directory unless given. */
  readonly folder?: string;
}

/** An object without `undefined` where a value must be given: options that have no default. */
type Config<Of> = Of extends Operator<infer C> ? Partial<C> : never;

/**
 * An operator for `pipe`, with the checks of a run: of the schema that it declares, of the reasons that it drops rows for. Options
 * that are left out have their defaults. The rows of the stream are numbered; random choices go by these numbers, so they are
 * the same for any batches.
 *
 * ```ts
 * batches.pipe(use(filterCaptionLength, { min: 3 }, { drop: (row) => console.log(row.reason) }))
 * ```
 */
export function use<Of extends Operator<never>>(
  operator: Of,
  config: Config<Of>,
  { seed = 0, drop = () => undefined, budget = createBudget(Number.POSITIVE_INFINITY), ...more }: UseOptions = {},
): OperatorFunction<RecordBatch, RecordBatch> {
  const { signal = new AbortController().signal, folder = process.cwd() } = more;
  const plain = operator as unknown as Operator<Options>;
  const options = { ...plain.defaults, ...(config as Options) };
  const begin = (first: RecordBatch, rows: Observable<RecordBatch>): Observable<RecordBatch> => {
    const output = plain.writes(withoutOrigin(first).schema, options);
    const step = { operator: plain, options, label: plain.name, seed: deriveSeed(seed, plain.name), output };
    const context = { stage: 'pipe', signal, budget, folder, units: [{ file: 'the stream' }], drop };
    return rows.pipe(chain([step], context).run);
  };
  return (source) =>
    new Observable<RecordBatch>((subscriber) => {
      const rows = new Subject<RecordBatch>();
      let begun = false;
      let row = 0;
      subscriber.add(
        source.subscribe({
          next(batch) {
            if (!begun) {
              begun = true;
              subscriber.add(begin(batch, rows).pipe(map(withoutOrigin)).subscribe(subscriber));
            }
            rows.next(originWords(batch) === undefined ? withOrigin(batch, { epoch: 0, unit: 0, row }) : batch);
            row += batch.numRows;
          },
          error: (error: unknown) => (begun ? rows.error(error) : subscriber.error(error)),
          complete: () => (begun ? rows.complete() : subscriber.complete()),
        }),
      );
    });
}
