import { setTimeout as pause } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import type { MemoryBudget } from './budget.js';

/**
 * Rows are read ahead by this many bytes, not by the whole budget: a trainer takes a batch at a time (by as many in each of two
 * threads).
 */
export const READ_AHEAD = 16_000_000;

/** Bytes of dead arrays that are nothing to care about: V8 begins to collect when 64 MiB are new. */
const FEW_DEAD = 32_000_000;
/** More than V8 leaves before it begins: it is at it, and needs time. */
const MANY_DEAD = 80_000_000;
/** Milliseconds that a source waits for V8, and the bytes after which it does so again. */
const PATIENCE = 8;
const PACE = 4_000_000;
/** After so many waits that were no use it is tried half as often each time. */
const VAIN = 16;

/** How far a source that is read once reads ahead. */
export interface ReadAhead {
  /** A batch was read. */
  read(batch: { readonly bytes: number; readonly rows: number }): void;
  /** The source reads on when fewer bytes than these are in flight. */
  below(): number;
  /** Resolves when V8 has collected, or a little later all the same. */
  collected(): Promise<void>;
  /** Where progress is saved between two units, the next one is begun when no more rows than these are in work. */
  mostRows(): number;
}

/** What is known of the process's memory, and a way to wait. */
export interface Garbage {
  /** Bytes of all arrays in this thread, alive or dead. */
  readonly arrays: () => number;
  readonly wait: (milliseconds: number) => Promise<unknown>;
}

/**
 * Reads ahead by `READ_AHEAD`, or by a batch for each place where one can be worked on, and one more, where these are more bytes:
 * a longer queue before a slow sink would fill the memory and make nothing faster.
 *
 * What is dead but not collected fills the memory too, and the faster rows come, the more of it while V8 looks for it. So when
 * more arrays than could be in flight wait for that, the source reads half as far ahead, though never less than one batch; and it waits
 * a moment when V8 is late. Arrays that live elsewhere (in a shuffle, say) are taken for dead ones, if they were not there before: half
 * as far is far enough, and where waiting is no use, it is tried less and less.
 *
 * Bytes say nothing of work: 16 MB of captions may keep a slow operator busy for hours. Where progress can only be saved when all
 * that was read has come to its end, the source must not have read everything by then, so no more batches are in work at the end
 * of a unit than there are places for, and one.
 */
export function createReadAhead(
  budget: Pick<MemoryBudget, 'limit' | 'held' | 'places'>,
  { arrays, wait }: Garbage = { arrays: () => getHeapStatistics().external_memory, wait: pause },
): ReadAhead {
  let largest = 0;
  let mostRows = 0;
  let others = Number.POSITIVE_INFINITY;
  let since = 0;
  /** Waits in a row that were no use. */
  let vain = 0;
  const dead = (): number => {
    const outside = arrays() - budget.held;
    others = Math.min(others, outside);
    return outside - others;
  };
  return {
    read({ bytes, rows }) {
      largest = Math.max(largest, bytes);
      mostRows = Math.max(mostRows, rows);
      since += bytes;
    },
    below() {
      const full = Math.min(budget.limit, Math.max(READ_AHEAD, (budget.places + 1) * largest));
      return dead() > Math.max(FEW_DEAD, full) ? Math.min(full, Math.max(full / 2, largest + 1)) : full;
    },
    async collected() {
      if (since < PACE * 2 ** Math.max(0, vain - VAIN)) return;
      since = 0;
      let waited = 0;
      while (dead() > MANY_DEAD && waited < PATIENCE) {
        await wait(1);
        waited++;
      }
      vain = waited < PATIENCE ? 0 : vain + 1;
    },
    mostRows: () => (budget.places + 1) * mostRows,
  };
}
