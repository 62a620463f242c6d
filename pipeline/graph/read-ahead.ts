import { getHeapStatistics } from 'node:v8';
import type { MemoryBudget } from './budget.js';

/**
 * Rows are read ahead by this many bytes, not by the whole budget: a trainer takes a batch at a time (by as many in each of two
 * threads).
 */
export const READ_AHEAD = 16_000_000;

/** Bytes of dead arrays that are nothing to care about: V8 begins to collect when 64 MiB are new. */
const FEW_DEAD = 32_000_000;

/** How far a source that is read once reads ahead. */
export interface ReadAhead {
  /** A batch was read. */
  read(batch: { readonly bytes: number; readonly rows: number }): void;
  /** The source reads on when fewer bytes than these are in flight. */
  below(): number;
  /** Where progress is saved between two units, the next one is begun when no more rows than these are in work. */
  mostRows(): number;
}

/**
 * Reads ahead by `READ_AHEAD`, or by a batch for each place where one can be worked on, and one more, where these are more bytes:
 * a longer queue before a slow sink would fill the memory and make nothing faster.
 *
 * What is dead but not collected fills the memory too, and the faster rows come, the more of it while V8 looks for it. So when
 * more arrays than could be in flight wait for that, the source reads half as far ahead, though never less than one batch. Arrays
 * that live elsewhere (in a shuffle, say) are taken for dead ones, if they were not there before: half as far is far enough.
 *
 * Bytes say nothing of work: 16 MB of captions may keep a slow operator busy for hours. Where progress can only be saved when all
 * that was read has come to its end, the source must not have read everything by then, so no more batches are in work at the end
 * of a unit than there are places for, and one.
 *
 * @param arrays bytes of all arrays in this thread, alive or dead
 */
export function createReadAhead(
  budget: Pick<MemoryBudget, 'limit' | 'held' | 'places'>,
  arrays: () => number = () => getHeapStatistics().external_memory,
): ReadAhead {
  let largest = 0;
  let mostRows = 0;
  let others = Number.POSITIVE_INFINITY;
  return {
    read({ bytes, rows }) {
      largest = Math.max(largest, bytes);
      mostRows = Math.max(mostRows, rows);
    },
    below() {
      const full = Math.min(budget.limit, Math.max(READ_AHEAD, (budget.places + 1) * largest));
      const outside = arrays() - budget.held;
      others = Math.min(others, outside);
      const dead = outside - others;
      return dead > Math.max(FEW_DEAD, full) ? Math.min(full, Math.max(full / 2, largest + 1)) : full;
    },
    mostRows: () => (budget.places + 1) * mostRows,
  };
}
