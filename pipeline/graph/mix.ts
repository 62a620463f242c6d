/**
 * Several sources as one, mixed by weight of rows. A source is pulled only when the mixture wants a row of it, so a
 * full budget can never be full of one source's rows while the mixture waits for another's.
 */
import type { RecordBatch } from 'apache-arrow';
import { concatBatches, sliceBatch } from '../batch/concat.js';

/** One source of a mixture. */
export interface Share {
  readonly batches: AsyncIterable<RecordBatch>;
  /** Share of the rows, relative to the other weights; above 0. */
  readonly weight: number;
}

/** Rows that are taken from one source before the next choice. */
const BLOCK = 256;

/**
 * Emits blocks of 256 rows, each from the source that is furthest behind its share (the first of equals). The order of
 * rows depends on the weights alone, not on the sources' batches. A source that runs out leaves the mixture, and the
 * others go on in proportion.
 */
export async function* mix(shares: readonly Share[]): AsyncGenerator<RecordBatch> {
  let open = shares.map(({ batches, weight }) => ({ rows: createRowReader(batches), weight, taken: 0 }));
  try {
    while (open.length > 0) {
      const behind = open.reduce((least, share) =>
        share.taken / share.weight < least.taken / least.weight ? share : least,
      );
      const block = await behind.rows.take(BLOCK);
      if (block !== undefined) {
        behind.taken += block.numRows;
        yield block;
      }
      if (block === undefined || block.numRows < BLOCK) open = open.filter((share) => share !== behind);
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
