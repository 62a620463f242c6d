/**
 * The plan: all that can be known of a manifest before any row is read, as a plain value. The engine runs it, `explain`
 * prints it, tests compare it as text. Nothing in it changes once it is made.
 */
import type { Schema } from 'apache-arrow';
import type { CatalogEntry } from '../discovery/entry.js';
import type { Options } from '../discovery/load.js';
import type { Mixing } from '../graph/mix.js';
import type { Position } from '../manifest/position.js';
import type { Operator } from '../operator.js';
import type { Sink } from '../sink.js';
import type { Source } from '../source.js';
import type { Stage, StageFacts, StageInputs } from '../stage.js';

export type { Options } from '../discovery/load.js';

/** A manifest that was found right. */
export interface Plan {
  /** The manifest's file, absolute. */
  readonly file: string;
  /** The manifest's folder, absolute: sources resolve relative paths against it. */
  readonly folder: string;
  readonly name: string;
  readonly seed: number;
  /** Where the run writes, absolute. */
  readonly output: string;
  /** Output folder of the run whose figures the report shows beside this one's, absolute. */
  readonly baseline: string | undefined;
  /** Bytes that the run may hold. */
  readonly memory: number;
  /** Threads for heavy operators; undefined where the machine decides. */
  readonly workers: number | undefined;
  /** Column that names a row in the ledger. */
  readonly key: string | undefined;
  /** In the order in which they run. */
  readonly stages: readonly PlannedStage[];
  /** The resolved manifest as YAML, for storing beside the run. */
  readonly resolved: string;
}

/** One stage of a plan. */
export interface PlannedStage {
  /** Its name in the manifest. */
  readonly name: string;
  readonly at: Position;
  /** The kind of stage, loaded. `stage.run(options, inputs, context)` does the work. */
  readonly stage: Stage<Options>;
  readonly entry: CatalogEntry;
  readonly options: Options;
  /** Folder that it writes into, absolute: `<output>/<name>`. */
  readonly folder: string;
  /** The manifest's seed, mixed with the stage's name. */
  readonly seed: number;
  /** Where its rows come from; undefined for a stage without rows. */
  readonly rows: PlannedRows | undefined;
  readonly steps: readonly PlannedStep[];
  /** The sink, for a stage that takes one: `sink/parquet` unless the manifest names another. */
  readonly sink: PlannedSink | undefined;
  /** Further ways of its rows, beside the sink. */
  readonly branches: readonly PlannedBranch[];
  /** What `stage.reads`, `stage.plan` and `stage.run` are given. `inputs.rows` is the schema after the steps. */
  readonly inputs: StageInputs;
  readonly facts: StageFacts;
  readonly gates: readonly Gate[];
  /** Names of the stages that it takes anything from, each once. */
  readonly needs: readonly string[];
  /** Same fingerprint, same output: a hash over everything above and the fingerprints of the stages it needs. */
  readonly fingerprint: string;
}

/** The rows of a stage before its steps. */
export interface PlannedRows {
  readonly schema: Schema;
  /** A source of its own, or what earlier stages wrote, mixed by weight. */
  readonly from: PlannedSource | readonly PlannedShare[];
  /** How the shares are mixed: by weight until all have run out, unless it is given. */
  readonly mixing?: Mixing;
}

/** One earlier stage in a mixture. A plain `from: tokens` is a mixture of one. */
export interface PlannedShare {
  /** The stage (or the branch of one) whose sink wrote the rows: what `from` names, or where that got the rows that it passes on. */
  readonly stage: string;
  /** Its share of the rows, more than 0; the shares of a stage add up to 1. */
  readonly weight: number;
}

/** What a source, an operator and a sink of a plan have in common. */
interface PlannedPart {
  /** What the manifest calls it: `filter/score`. */
  readonly use: string;
  readonly at: Position;
  readonly entry: CatalogEntry;
  readonly options: Options;
}

export interface PlannedSource extends PlannedPart, LoadedSource {
  /** What tells its data from other data of the same options. */
  readonly data: string;
}

export interface PlannedSink extends PlannedPart {
  readonly sink: Sink<Options>;
  /** The source that reads what it wrote, given the sink's folder as `path`; undefined where there is none. */
  readonly reader: LoadedSource | undefined;
}

/** Rows of a stage that go through further steps into a sink of their own; `from: pairs.short` takes them. */
export interface PlannedBranch {
  readonly name: string;
  readonly at: Position;
  /** The labels of the steps whose dropped rows it gets; none for all rows that the stage writes. */
  readonly rejectedBy: readonly string[];
  /** Folder that its sink writes into, absolute: `<output>/<stage>/branches/<name>`. */
  readonly folder: string;
  readonly input: Schema;
  readonly steps: readonly PlannedStep[];
  readonly output: Schema;
  readonly sink: PlannedSink;
}

/** A source with its options, and the URL of the module that it was loaded from. */
export interface LoadedSource {
  readonly source: Source<Options>;
  readonly options: Options;
  readonly module: string;
}

/** One operator of a stage. */
export interface PlannedStep extends PlannedPart {
  /** Its name and place in the stage, from 0, as the ledger writes it: `filter/score[2]`. */
  readonly label: string;
  readonly operator: Operator<Options>;
  /** URL of the module that it was loaded from. */
  readonly module: string;
  /** Hash of a user's sources; undefined for an operator of alignflow's own. */
  readonly code: string | undefined;
  /** The stage's seed, mixed with the label. */
  readonly seed: number;
  readonly input: Schema;
  readonly output: Schema;
  /** Bytes that it keeps across batches. */
  readonly holds: number;
}

/** A condition on a figure that the stage ends with: `{ image_to_text_r1: '>= 0.4' }`. */
export interface Gate {
  readonly metric: string;
  /** The condition as the manifest has it, for messages. */
  readonly condition: string;
  readonly at: Position;
  /** The figure's bounds; one that is not there is no bound. */
  readonly least?: Bound;
  readonly most?: Bound;
}

/** One end of a range. */
export interface Bound {
  readonly value: number;
  /** True if the value itself passes. */
  readonly inclusive: boolean;
}
