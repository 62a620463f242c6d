import { AlignflowError, type Fault } from '../errors.js';
import { formatBytes } from '../manifest/units.js';
import type { MemoryBudget } from './budget.js';

/**
 * What is left for rows whatever a source asks for: some in flight, and those that are dead and not collected yet.
 */
const ROWS = 128e6;

/** Memory that a source asks for. */
export interface Reservation extends Pick<Fault, 'where' | 'fix'> {
  readonly bytes: number;
  /** What takes them: `decoding its largest page`. */
  readonly what: string;
}

/** What one source has of the run's memory, beside the rows that it emits. */
export interface Reserve {
  /** Asks for bytes: the most that it ever asks for are its own. Throws where they do not fit. */
  readonly ask: (reservation: Reservation) => void;
  /** Gives all of it back. */
  readonly release: () => void;
}

/**
 * Opens a reserve of the budget.
 *
 * @param kept bytes of rows that steps keep across batches, as they declare
 */
export function createReserve(budget: Pick<MemoryBudget, 'limit' | 'reserved' | 'reserve'>, kept: number): Reserve {
  let own = 0;
  let release = () => {};
  return {
    ask({ bytes, what, where, fix }) {
      if (bytes <= own) return;
      const limit = budget.limit + own - kept;
      // So written, it refuses what is no number too: it would lift the limit for all.
      if (!(bytes + ROWS <= limit)) {
        const others = budget.reserved - own;
        const needed = formatBytes(Math.ceil((bytes + ROWS + others + kept) / 1e6) * 1e6);
        const taken = [
          `${formatBytes(ROWS)} of it for rows`,
          ...(others > 0 ? [`${formatBytes(others)} for what other sources take`] : []),
          ...(kept > 0 ? [`${formatBytes(kept)} for what steps keep`] : []),
        ].join(', ');
        throw new AlignflowError({
          what: `${what} takes ${formatBytes(bytes)} beside the rows, and the memory for both is ${formatBytes(limit)}`,
          ...(where === undefined ? {} : { where }),
          expected: `a memory of ${needed} at least, ${taken}`,
          ...(fix === undefined ? {} : { fix }),
        });
      }
      release();
      own = bytes;
      release = budget.reserve(bytes);
    },
    release() {
      release();
      own = 0;
    },
  };
}
