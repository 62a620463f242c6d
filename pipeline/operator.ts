import type { DataType, RecordBatch, Schema } from 'apache-arrow';
import type { OperatorFunction } from 'rxjs';
import type { MemoryBudget } from './graph/budget.js';
import type { Random } from './run/random.js';
import type { ScoreStore } from './run/score-store.js';

/** Columns that an operator needs, by name: the Arrow type that each must have, or one of several, or `any`. */
export type Reads = Readonly<Record<string, DataType | readonly DataType[] | 'any'>>;

/** What an operator may say and use while it runs. `Drop` and `Measure` are the names that it declared. */
export interface OperatorContext<Drop extends string = string, Measure extends string = string> {
  /** Name of the stage in the manifest. */
  readonly stage: string;
  /** Name of the operator, with its place in the stage: `filter/score[2]`. */
  readonly operator: string;
  /** Seed of this operator in this stage: already mixed from the manifest's seed and the operator's place. */
  readonly seed: number;
  /** Aborted when the run ends early. */
  readonly signal: AbortSignal;
  /** Bytes in flight: asynchronous boundaries hold what they keep. */
  readonly budget: MemoryBudget;
  /** Scores of the same content, kept across runs. */
  readonly scores: ScoreStore;
  /** Folder of the stage's output, for what an operator makes besides rows (a tokenizer). */
  readonly folder: string;
  /** Random numbers for one row: the same for the same (seed, operator, origin, epoch), whatever the batches. */
  random(batch: RecordBatch, row: number): Random;
  /**
   * Records a measured value of the row in hand, and the threshold that it is held against, where there is one; both go to the
   * ledger with the row when the row is dropped.
   */
  measure(name: Measure, value: number, threshold?: number): void;
  /** Ends the row in hand, which stays: what was measured of it belongs to no later row. `keepRows` calls it. */
  keep(): void;
  /** Writes a row of `batch` to the ledger. The operator leaves the row out of what it emits. */
  drop(batch: RecordBatch, row: number, reason: Drop, detail?: string): void;
  /**
   * For an operator that `carries` a state: called on subscription with what makes bytes of it, between two batches, whenever the
   * run can be taken up again. Returns the bytes that an interrupted run left, or undefined for a new beginning.
   */
  state(save: () => Uint8Array): Uint8Array | undefined;
}

/** What an operator carries from one batch to the next: see `OperatorDefinition.carries`. */
export type Carries = 'nothing' | 'state' | 'unknown';

/** How an operator is written. See `defineOperator`. */
export interface OperatorDefinition<Config extends object, Drop extends string, Measure extends string> {
  /** What a manifest calls it: `filter/caption-length`. The file's path gives the same name. */
  readonly name: string;
  /** Options that a manifest may leave out. An option of the config that has no default must be given. */
  readonly defaults: Partial<NoInfer<Config>>;
  /** Columns and types that it needs. Annotate the config's type here: it is inferred from this place. */
  readonly reads: (config: Config) => Reads;
  /** The schema that it emits, from the one that comes in. Hidden columns are not part of either. */
  readonly writes: (schema: Schema, config: NoInfer<Config>) => Schema;
  /** Reasons for which it may drop a row. Any other does not compile. */
  readonly drops?: readonly Drop[];
  /**
   * Those of `drops` that say a row could not be worked on (it failed), and not that it was judged: `--retry-failed` tries such rows
   * again. None unless given.
   */
  readonly fails?: readonly NoInfer<Drop>[];
  /** Figures that it may report of a row. Any other does not compile. */
  readonly measures?: readonly Measure[];
  /**
   * What it carries from one batch to the next: `nothing`, or a `state` that it gives to `context.state`. A stage whose operators
   * say so goes on where it was interrupted; with one of `unknown`, which is so unless given, it starts over.
   */
  readonly carries?: Carries;
  /**
   * Whether its work on a batch takes long enough for a thread of its own. It is then given each batch by itself, in any thread
   * and in any order, so it carries nothing. False unless given.
   */
  readonly heavy?: boolean;
  /** Bytes that it keeps across batches (a shuffle's buffer, a set of hashes); 0 unless given. */
  readonly holds?: (config: NoInfer<Config>) => number;
  /** The most rows that a batch behind it has, where the operator makes batches of a size. */
  readonly batchRows?: (config: NoInfer<Config>) => number;
  /** The stream operator. It keeps no state outside of what it creates on subscription (`defer`). */
  readonly run: (
    config: NoInfer<Config>,
    context: OperatorContext<NoInfer<Drop>, NoInfer<Measure>>,
  ) => OperatorFunction<RecordBatch, RecordBatch>;
}

/** A stream operator over record batches, with all that can be known of it without running it. */
export interface Operator<Config extends object = never> {
  readonly kind: 'operator';
  readonly name: string;
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly drops: readonly string[];
  readonly fails: readonly string[];
  readonly measures: readonly string[];
  readonly carries: Carries;
  readonly heavy: boolean;
  /** Whether it emits the schema that comes in, whatever its options are: a filter does. */
  readonly passesSchema: boolean;
  readonly reads: (config: Config) => Reads;
  readonly writes: (schema: Schema, config: Config) => Schema;
  readonly holds: (config: Config) => number;
  readonly batchRows: ((config: Config) => number) | undefined;
  readonly run: (config: Config, context: OperatorContext) => OperatorFunction<RecordBatch, RecordBatch>;
}

/**
 * Declares an operator. One file, one `export default defineOperator({...})`.
 *
 * ```ts
 * export default defineOperator({
 *   name: 'filter/caption-length',
 *   defaults: { column: 'caption', min: 3, max: 77 },
 *   reads: ({ column }: CaptionLength) => ({ [column]: new Utf8() }),
 *   writes: (schema) => schema,
 *   drops: ['null', 'short', 'long'],
 *   measures: ['words'],
 *   run: (config, context) => map((batch) => keepRows(batch, context, (row) => ...)),
 * });
 * ```
 */
export function defineOperator<
  Config extends object,
  const Drop extends string = never,
  const Measure extends string = never,
>(definition: OperatorDefinition<Config, Drop, Measure>): Operator<Config> {
  const { name, defaults, reads, writes, run } = definition;
  return {
    kind: 'operator',
    name,
    defaults: { ...defaults },
    drops: definition.drops ?? [],
    fails: definition.fails ?? [],
    measures: definition.measures ?? [],
    carries: definition.heavy === true ? 'nothing' : (definition.carries ?? 'unknown'),
    heavy: definition.heavy ?? false,
    passesSchema: false,
    reads,
    writes,
    holds: definition.holds ?? (() => 0),
    batchRows: definition.batchRows,
    run: (config, context) => run(config, context as OperatorContext<Drop, Measure>),
  };
}
