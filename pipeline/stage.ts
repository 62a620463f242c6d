import type { RecordBatch, Schema } from 'apache-arrow';
import type { Observable, OperatorFunction } from 'rxjs';
import type { MemoryBudget } from './graph/budget.js';
import type { StageEvent } from './metrics.js';
import type { Operator, Reads } from './operator.js';

/** What a stage hands over to later ones, as far as it is known before anything runs. */
export interface Artefacts {
  /** Rows that it writes, or passes on from the stage it read. */
  readonly rows?: { readonly schema: Schema };
  /** A tokenizer: its number of entries, and the stage that trained it (others use copies of it). */
  readonly tokenizer?: { readonly vocabulary: number; readonly trainedBy: string };
  readonly checkpoint?: CheckpointArtefact;
}

/** What is known of a checkpoint before it exists. */
export interface CheckpointArtefact {
  /** The shape of its model, opaque to the pipeline. */
  readonly model: Readonly<Record<string, unknown>>;
  /** How many parameters that has. */
  readonly parameters: number;
  /** The kinds of the stages that trained it, the first one first: `contrastive`, `generative`. */
  readonly trainedBy: readonly string[];
  /** The stage that trained the tokenizer of its texts; undefined for a model without texts. */
  readonly tokenizer?: string;
}

/** An earlier stage that this one takes something from. */
export interface Reference {
  readonly stage: string;
  readonly artefacts: Artefacts;
  /** Folder that the stage writes into. */
  readonly folder: string;
}

/** What a stage is planned and run with. */
export interface StageInputs {
  /** Name in the manifest. */
  readonly name: string;
  /** The stage that `from` names. */
  readonly from?: Reference;
  /** The stage that `init` names: training starts from its checkpoint. */
  readonly init?: Reference;
  /** The stage that `checkpoint` names: its checkpoint is used as it is. */
  readonly checkpoint?: Reference;
  /** The stage that `tokenizer` names. */
  readonly tokenizer?: Reference;
  /** Schema of the rows after the stage's steps; undefined for a stage without rows. */
  readonly rows?: Schema;
  /** Patterns of the parameters to train; all of them when left out. */
  readonly train?: readonly string[];
  readonly seed: number;
}

/** What planning a stage says about it. */
export interface StageFacts {
  readonly hands: Artefacts;
  /** Lines for `alignflow plan`: label and value. */
  readonly facts?: readonly (readonly [label: string, value: string])[];
  /** Bytes that the stage itself needs, beside the rows in flight. */
  readonly memory?: number;
}

/** The most memory that the process will have, or why nobody can say before it runs. */
export type PeakMemory = { readonly bytes: number; readonly precision: string } | { readonly unknown: string };

/** What a stage may use while it runs. */
export interface StageContext {
  /** Folder that the stage writes into; it exists, and nothing in it counts until the stage is complete. */
  readonly folder: string;
  readonly seed: number;
  /** Aborted when the run ends early. */
  readonly signal: AbortSignal;
  /** Asks the stage to end where it can go on, with the signal's reason; `signal` follows soon. Rows end by themselves. */
  readonly stopping: AbortSignal;
  readonly budget: MemoryBudget;
  /**
   * The stage's rows: its source or its `from`, through its steps; no batch of them is empty. With `repeat` they start again
   * for ever, in a new seeded order of units each epoch, and the stage ends by unsubscribing; batches of more rows than an epoch
   * has are an error then. `skip` leaves out that many batches. A `rehearsal` is a pass over rows that are read again later: it appears in no ledger and no count.
   */
  rows(options?: {
    readonly repeat?: boolean;
    readonly skip?: number;
    readonly rehearsal?: boolean;
  }): Observable<RecordBatch>;
  /** An operator behind the stage's steps, with options of the stage's own; counted and named like a step, but in a rehearsal. */
  through<Config extends object>(
    operator: Operator<Config>,
    config: Config,
    options?: { readonly rehearsal?: boolean },
  ): OperatorFunction<RecordBatch, RecordBatch>;
  /** Writes the rows of a stage through its sink and emits progress. The stage is complete when it completes. */
  write(rows: Observable<RecordBatch>): Observable<StageEvent>;
}

/** Which parts of a manifest's stage a kind of stage takes. */
export interface StageParts {
  /** Rows: from a `source` or an earlier stage (`from`). */
  readonly rows: 'required' | 'none';
  /** A `sink` for rows that it writes. */
  readonly sink?: boolean;
  readonly init?: 'required' | 'optional';
  readonly checkpoint?: 'required' | 'optional';
  readonly tokenizer?: 'required' | 'optional';
  /** Patterns of trained parameters. */
  readonly train?: boolean;
  /** The names of the figures that a gate (`require`) may test; a `*` stands for any text. */
  readonly metrics?: readonly string[];
}

/** How a kind of stage is written. */
export interface StageDefinition<Config extends object> {
  /** What `use` names: `contrastive`. The file's name gives the same. */
  readonly name: string;
  readonly defaults: Partial<NoInfer<Config>>;
  readonly takes: StageParts;
  /**
   * Whether all that it does with its rows, but in rehearsals, is to send them through operators and write them: then an interrupted
   * run goes on among its rows. False unless given.
   */
  readonly passesRows?: boolean;
  /** Columns that it needs of its rows, after its steps. */
  readonly reads: (config: Config, inputs: StageInputs) => Reads;
  /** What is known before it runs; throws an `AlignflowError` for options that cannot work. */
  readonly plan: (config: NoInfer<Config>, inputs: StageInputs) => StageFacts;
  /**
   * The memory that it takes with so many rows in each batch; throws an `AlignflowError` where there is less. It may load what
   * computes, and takes seconds.
   */
  readonly peakMemory?: (config: NoInfer<Config>, inputs: StageInputs, rows: number) => Promise<PeakMemory>;
  /** Does the work. The last event is followed by completion; an error ends the run. */
  readonly run: (config: NoInfer<Config>, inputs: StageInputs, context: StageContext) => Observable<StageEvent>;
}

/** A kind of stage. */
export interface Stage<Config extends object = never> {
  readonly kind: 'stage';
  readonly name: string;
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly takes: StageParts;
  readonly passesRows: boolean;
  readonly reads: (config: Config, inputs: StageInputs) => Reads;
  readonly plan: (config: Config, inputs: StageInputs) => StageFacts;
  readonly peakMemory: ((config: Config, inputs: StageInputs, rows: number) => Promise<PeakMemory>) | undefined;
  readonly run: (config: Config, inputs: StageInputs, context: StageContext) => Observable<StageEvent>;
}

/** Declares a kind of stage. One file, one `export default defineStage({...})`. */
export function defineStage<Config extends object>(definition: StageDefinition<Config>): Stage<Config> {
  return {
    kind: 'stage',
    passesRows: false,
    peakMemory: undefined,
    ...definition,
    defaults: { ...definition.defaults },
  };
}
