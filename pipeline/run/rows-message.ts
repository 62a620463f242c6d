/** What the thread that reads rows and the thread that trains on them tell each other: plain values and bytes. */
import { type RecordBatch, type Schema, Table, tableFromIPC, tableToIPC } from 'apache-arrow';
import { AlignflowError, type Fault } from '../errors.js';
import type { OperatorAccount } from '../graph/account.js';
import type { DroppedRow } from '../graph/chain.js';
import type { Options } from '../plan/plan.js';
import type { Unit } from '../source.js';
import type { Reading, RowsOptions } from './read-rows.js';

/** What a thread is started with: a `Reading` whose operators are named by their modules. */
export interface RowsJob extends Omit<Reading, 'sources' | 'steps' | 'schema'> {
  /** An Arrow IPC stream without rows. */
  readonly schema: Uint8Array;
  readonly sources: readonly Omit<Reading['sources'][number], 'source'>[];
  readonly steps: readonly StepJob[];
  readonly rows: RowsOptions;
  /** The run's bound of bytes. */
  readonly memory: number;
  /** The threads for heavy operators; none when `workers` is 0. */
  readonly pool: { readonly module: string; readonly workers: number };
}

/** A step as its module and what it is given. */
export interface StepJob {
  readonly module: string;
  readonly code: string | undefined;
  readonly options: Options;
  readonly label: string;
  readonly seed: number;
  readonly holds: number;
  /** The declared schema as an Arrow IPC stream without rows. */
  readonly output: Uint8Array;
}

/** A dropped row, with its values as an Arrow IPC stream where they are needed. */
export interface DroppedMessage {
  readonly row: DroppedRow;
  readonly values?: Uint8Array<ArrayBuffer>;
}

/** Counts of all operators and the rows that they dropped since the last message, with a batch where one came out. */
export interface RowsProgress {
  readonly kind: 'rows';
  /** In the order of the rows, the source first; with what was measured since the last message. */
  readonly accounts: readonly OperatorAccount[];
  readonly dropped: readonly DroppedMessage[];
  /** An Arrow IPC stream of one batch. */
  readonly batch?: Uint8Array<ArrayBuffer>;
}

/** From the thread that reads. */
export type FromWorker =
  | { readonly kind: 'units'; readonly units: readonly Unit[] }
  | { readonly kind: 'note'; readonly text: string }
  | RowsProgress
  | { readonly kind: 'failed'; readonly fault: Fault }
  | { readonly kind: 'complete' };

/** To the thread that reads: the oldest `rows` message is taken and counts no more, or no more rows are wanted. */
export type ToWorker = 'taken' | 'stop';

/** A batch as bytes: all of its columns, hidden ones too, and their metadata. */
export function packBatch(batch: RecordBatch): Uint8Array<ArrayBuffer> {
  return packTable(new Table([batch]));
}

/** The batch that `packBatch` made bytes of; it shares their memory. */
export function unpackBatch(bytes: Uint8Array): RecordBatch {
  return tableFromIPC(bytes).batches[0]!;
}

export function packSchema(schema: Schema): Uint8Array {
  return packTable(new Table(schema));
}

export function unpackSchema(bytes: Uint8Array): Schema {
  return tableFromIPC(bytes).schema;
}

/** The bytes in a buffer of their own, which may be given away. */
function packTable(table: Table): Uint8Array<ArrayBuffer> {
  const bytes = tableToIPC(table, 'stream');
  return bytes.byteLength === bytes.buffer.byteLength ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}

/** An error as a value: causes keep their stack alone, for they may hold what cannot be sent. */
export function packError(error: AlignflowError): Fault {
  const { cause, ...fault } = error.fault;
  if (cause === undefined) return fault;
  const { message, stack } = cause instanceof Error ? cause : new Error(String(cause));
  return { ...fault, cause: { message, stack } };
}

export function unpackError(fault: Fault): AlignflowError {
  if (fault.cause === undefined) return new AlignflowError(fault);
  const { message, stack } = fault.cause as { message: string; stack?: string };
  const cause = new Error(message);
  if (stack !== undefined) cause.stack = stack;
  return new AlignflowError({ ...fault, cause });
}
