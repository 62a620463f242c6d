import type { RecordBatch } from 'apache-arrow';
import { batchBytes } from '../batch/bytes.js';
import type { SourceContext } from '../source.js';

/** Units of repeated sources whose batches stay in memory, so that later epochs need not read and decode them again. */
export interface KeptUnits {
  /** Of one source: its own units, by number. */
  open(context: SourceContext): SourceUnits;
}

/** What is kept of one source. */
export interface SourceUnits {
  /** What to read with: it notices rows that the source drops. */
  readonly context: SourceContext;
  /** The batches of a unit; undefined where they must be read. */
  batchesOf(unit: number): readonly RecordBatch[] | undefined;
  /** Follows the reading of a unit: told each batch, and when it has ended. */
  reading(unit: number): { batch(batch: RecordBatch): void; end(): void };
}

/**
 * Keeps the units that come first, as long as they fit. A unit of which a source drops rows is read in each epoch: its rows belong in the
 * ledger each time.
 * @param most bytes of all of them
 */
export function createKeptUnits(most: number): KeptUnits {
  let left = most;
  return {
    open(context) {
      const kept = new Map<number, readonly RecordBatch[]>();
      let dropped = 0;
      return {
        context: {
          ...context,
          drop(...row) {
            dropped++;
            context.drop(...row);
          },
        },
        batchesOf: (unit) => kept.get(unit),
        reading(unit) {
          const before = dropped;
          let batches: RecordBatch[] | undefined = [];
          let bytes = 0;
          return {
            batch(batch) {
              bytes += batchBytes(batch);
              if (bytes > left) batches = undefined;
              batches?.push(batch);
            },
            end() {
              if (batches === undefined || dropped > before || bytes > left) return;
              left -= bytes;
              kept.set(unit, batches);
            },
          };
        },
      };
    },
  };
}
