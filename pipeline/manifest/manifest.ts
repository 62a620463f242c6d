import type { Located, Position } from './position.js';
import type { MapNode } from './tree.js';

/** A manifest with the right shape: one complete tree, typed, in which every value knows its place. */
export interface Manifest {
  /** The file that was read, absolute. */
  readonly file: string;
  /** Its folder, absolute. */
  readonly folder: string;
  readonly name: string;
  /** 0 unless given. */
  readonly seed: number;
  /** Where the run writes, absolute; `runs/<name>` in the working directory unless given. */
  readonly output: string;
  /** Output folder of another run, whose figures the report shows beside this one's, absolute. */
  readonly baseline: string | undefined;
  /** Bytes that the run may hold; 1 GB unless given. Without bound after a problem with it, so that nothing is held to what nobody wrote. */
  readonly memory: Located<number>;
  /** Threads for heavy operators; undefined where the machine decides. */
  readonly workers: number | undefined;
  /** Column that names a row, for the ledger. */
  readonly key: Located<string> | undefined;
  /** Folders of the user's operators, absolute. */
  readonly operators: readonly Located<string>[];
  readonly stages: readonly ManifestStage[];
  /** Names of stages that are there and could not be read: what names one of them is not wrong for that. */
  readonly unread: ReadonlySet<string>;
  /** The whole tree, `extends` and variables resolved. */
  readonly tree: MapNode;
}

/** One stage, as the manifest has it. */
export interface ManifestStage {
  readonly name: string;
  /** The place of its name. */
  readonly at: Position;
  /** The kind of stage. */
  readonly use: Located<string>;
  /** The stages that its rows come from, with their weights (1 each where none is given). */
  readonly from: readonly ManifestShare[];
  /** How the rows of several stages are mixed, where the manifest says so. */
  readonly mix: ManifestMix | undefined;
  readonly source: ManifestPart | undefined;
  readonly steps: readonly ManifestStep[];
  readonly sink: ManifestPart | undefined;
  readonly branches: readonly ManifestBranch[];
  readonly init: Located<string> | undefined;
  readonly checkpoint: Located<string> | undefined;
  readonly tokenizer: Located<string> | undefined;
  /** Patterns of the parameters to train. */
  readonly train: Located<readonly string[]> | undefined;
  readonly options: MapNode | undefined;
  readonly gates: readonly ManifestGate[];
  /** Its keys that could not be read as they are, and those that a key which no stage has may be meant for. */
  readonly unread: ReadonlySet<string>;
}

/** A stage that rows come from. */
export interface ManifestShare {
  readonly stage: Located<string>;
  /** More than 0. */
  readonly weight: number;
}

/** `mix: rounds`, `mix: { by: exhaustion, until: first }`. */
export interface ManifestMix {
  readonly by: 'weight' | 'rounds' | 'exhaustion';
  readonly until: 'all' | 'first';
  readonly at: Position;
}

/** `{ use: ..., with: ... }`: a source, a step or a sink. */
export interface ManifestPart {
  readonly use: Located<string>;
  readonly options: MapNode | undefined;
}

/** One of `steps`. */
export interface ManifestStep extends ManifestPart {
  /** The branch that the rows which it drops go to. */
  readonly rejected: Located<string> | undefined;
}

/** One entry of `branches`: further steps and a sink for rows of the stage. */
export interface ManifestBranch {
  readonly name: string;
  /** The place of its name. */
  readonly at: Position;
  readonly steps: readonly ManifestPart[];
  readonly sink: ManifestPart | undefined;
}

/** `metric: condition`. */
export interface ManifestGate {
  readonly metric: Located<string>;
  readonly condition: Located<string>;
}
