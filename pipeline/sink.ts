import type { RecordBatch, Schema } from 'apache-arrow';

/** What a sink is given. */
export interface SinkContext {
  readonly stage: string;
  /** Folder that the sink writes into; it exists. */
  readonly folder: string;
  readonly schema: Schema;
  readonly signal: AbortSignal;
  /** What `suspend` gave last in a run that was interrupted: the writer goes on from there. */
  readonly suspended?: SuspendedSink;
}

/** What a sink needs to go on in another process. */
export interface SuspendedSink {
  /** Plain values. */
  readonly facts: unknown;
  /** Rows that were written to it and are in no file yet. */
  readonly rows?: RecordBatch;
}

/** A file that a sink has committed. */
export interface Shard {
  /** Path relative to the sink's folder. */
  readonly file: string;
  readonly rows: number;
  readonly bytes: number;
  /** SHA-256 of the file, hexadecimal. */
  readonly sha256: string;
}

/** An open sink. Files that are not committed have names that no reader takes for data. */
export interface SinkWriter {
  /** Takes a batch (without hidden columns); resolves when it may be given the next. */
  write(batch: RecordBatch): Promise<void>;
  /** Commits what is left and says what was written, in order. */
  close(): Promise<readonly Shard[]>;
  /** Leaves nothing behind that is not committed. */
  abort(): Promise<void>;
  /**
   * Brings to the disk what was written, and tells what is needed to go on from here if the process dies later. Left out by a
   * sink that starts over.
   */
  suspend?(): Promise<SuspendedSink>;
}

/** How a sink is written. */
export interface SinkDefinition<Config extends object> {
  readonly name: string;
  readonly defaults: Partial<NoInfer<Config>>;
  /**
   * Whether its reader takes all files of its folder together, in the order of their names, so that further ones add rows: rows that
   * failed can then be tried again by themselves. False unless given.
   */
  readonly adds?: boolean;
  readonly open: (config: Config, context: SinkContext) => Promise<SinkWriter>;
}

/** Where rows go. */
export interface Sink<Config extends object = never> {
  readonly kind: 'sink';
  readonly name: string;
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly adds: boolean;
  readonly open: (config: Config, context: SinkContext) => Promise<SinkWriter>;
}

/** Declares a sink. One file, one `export default defineSink({...})`. */
export function defineSink<Config extends object>(definition: SinkDefinition<Config>): Sink<Config> {
  return { kind: 'sink', adds: false, ...definition, defaults: { ...definition.defaults } };
}
