/**
 * Several sources as one. A source is pulled only when the mixture wants a row of it, so a full budget can never be full of one
 * source's rows while the mixture waits for another's.
 */
import type { RecordBatch } from 'apache-arrow';
import { concatBatches, sliceBatch } from '../batch/concat.js';

/** One source of a mixture. */
export interface Share {
  readonly batches: AsyncIterable<RecordBatch>;
  /** Share of the rows, relative to the other weights; above 0. */
  readonly weight: number;
}

/** How sources are mixed. */
export interface Mixing {
  /** `weight`: each has its share of the rows all the time. `exhaustion`: the next one begins when one has run out. */
  readonly by: 'weight' | 'exhaustion';
  /** What ends the mixture: `all` sources have run out, or the `first` of them has, and the rest of the others is not read. */
  readonly until: 'all' | 'first';
}

/** How a mixture is made that says nothing else. */
export const BY_WEIGHT: Mixing = { by: 'weight', until: 'all' };

/** Rows that are taken from one source before the next choice. */
const BLOCK = 256;

/**
 * Emits blocks of 256 rows: by weight, each from the source that is furthest behind its share (the first of equals); by
 * exhaustion, from the first that has not run out. The order of rows depends on nothing else, not on the sources' batches. A
 * source that runs out leaves the mixture with its last rows given, and the others go on in proportion, or the mixture ends.
 */
export async function* mix(shares: readonly Share[], { by, until }: Mixing): AsyncGenerator<RecordBatch> {
  let open = shares.map(({ batches, weight }) => ({ rows: createRowReader(batches), weight, taken: 0 }));
  const next = {
    weight: () => open.reduce((least, one) => (one.taken / one.weight < least.taken / least.weight ? one : least)),
    exhaustion: () => open[0]!,
  }[by];
  try {
    while (open.length > 0) {
      const share = next();
      const block = await share.rows.take(BLOCK);
      if (block !== undefined) {
        share.taken += block.numRows;
        yield block;
      }
      if (block !== undefined && block.numRows === BLOCK) continue;
      if (until === 'first') return;
      open = open.filter((other) => other !== share);
    }
  } finally {
    await Promise.all(open.map((share) => share.rows.close()));
  }
}

/** Takes rows from batches of any size, whatever their boundaries. */
function createRowReader(batches: AsyncIterable<RecordBatch>) {
  const iterator = batches[Symbol.asyncIterator]();
  let rest: RecordBatch | undefined;
  return {
    /** Exactly `count` rows, fewer when the source ends, undefined when it has ended before. */
    async take(count: number): Promise<RecordBatch | undefined> {
      const parts: RecordBatch[] = [];
      let missing = count;
      while (missing > 0) {
        if (rest === undefined || rest.numRows === 0) {
          const next = await iterator.next();
          if (next.done === true) break;
          rest = next.value;
        }
        const part = sliceBatch(rest, 0, Math.min(missing, rest.numRows));
        rest = part.numRows === rest.numRows ? undefined : sliceBatch(rest, part.numRows, rest.numRows);
        missing -= part.numRows;
        if (part.numRows > 0) parts.push(part);
      }
      return parts.length === 0 ? undefined : parts.length === 1 ? parts[0] : concatBatches(parts);
    },
    async close(): Promise<void> {
      await iterator.return?.();
    },
  };
}
