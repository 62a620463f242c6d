/** What a run and the threads of its pool tell each other: plain values, and bytes that are given away. */
import type { Fault } from '../errors.js';
import type { Distribution } from '../graph/distribution.js';
import type { Drop } from '../graph/operator-context.js';
import type { Options } from '../plan/plan.js';

/** One batch for one operator. */
export interface BatchTask {
  /** URL of the operator's module. */
  readonly module: string;
  /** Hash of a user's sources; undefined for an operator of alignflow's own. */
  readonly code: string | undefined;
  readonly options: Options;
  /** The operator's name and place, as the ledger has it. */
  readonly label: string;
  readonly seed: number;
  readonly stage: string;
  readonly folder: string;
  /** Bound of the bytes that the operator holds meanwhile. */
  readonly memory: number;
  /** An Arrow IPC stream of one batch. */
  readonly batch: Uint8Array<ArrayBuffer>;
}

/** A row that the operator dropped, by its number in the batch that it was given. */
export interface DroppedInTask extends Omit<Drop, 'batch'> {
  /** The row itself, as an Arrow IPC stream, where it is one of another batch; its number then says nothing. */
  readonly values?: Uint8Array<ArrayBuffer>;
}

/** What a thread is asked: a batch, or whether it is there. */
export type PoolTask = BatchTask | 'ready';

/** What became of a batch. */
export type TaskOutcome =
  | {
      readonly kind: 'done';
      /** What the operator emitted, as Arrow IPC streams of one batch each. */
      readonly batches: readonly Uint8Array<ArrayBuffer>[];
      readonly dropped: readonly DroppedInTask[];
      readonly measured: ReadonlyMap<string, Distribution>;
    }
  | { readonly kind: 'failed'; readonly fault: Fault };
