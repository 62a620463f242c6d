import type { RecordBatch } from 'apache-arrow';
import { concat, defer, EMPTY, from, mergeMap, type Observable } from 'rxjs';
import { rowBytes } from '../../pipeline/batch/bytes.js';
import { defineOperator } from '../../pipeline/operator.js';
import { createRandom } from '../../pipeline/run/random.js';
import { createHeldRows } from './held-rows.js';

/**
 * Puts rows in random order, within a buffer: each row that comes in joins the buffer, and while the buffer is over one of
 * its bounds a random row leaves it. At the end the rest leaves in random order.
 *
 * The random choices are a sequence from the operator's seed, one for each row that leaves, and the bounds are met row by
 * row. So the order depends on the seed and on the rows that came in, and not on how they were batched.
 */
export interface Shuffle {
  /** Rows in the buffer. The more, the better they are mixed. @minimum 1 @integer */
  rows: number;
  /** Most bytes of rows in the buffer. @minimum 1 @unit bytes */
  bytes: number;
}

/** Rows of each batch that empties the buffer at the end. */
const LAST_ROWS = 1024;

export default defineOperator({
  name: 'order/shuffle',
  defaults: { rows: 10000, bytes: 268435456 },
  reads: (_: Shuffle) => ({}),
  writes: (schema) => schema,
  // Rows that have left are freed when half of their batch has: the buffer takes twice its bytes at most.
  holds: ({ bytes }) => 2 * bytes,
  run: (config, context) => (source) =>
    defer(() => {
      const buffer = createBuffer(config, context.seed);
      return concat(
        source.pipe(mergeMap((batch) => buffer.push(batch))),
        defer(() => buffer.flush()),
      );
    }),
});

function createBuffer({ rows, bytes }: Shuffle, seed: number) {
  const held = createHeldRows();
  const random = createRandom(seed);
  const numbers: number[] = [];
  const sizes: number[] = [];
  let size = 0;
  /** Takes a random row out of the buffer: the last one fills its place. */
  const draw = (): number => {
    const place = random.integer(numbers.length);
    const number = numbers[place]!;
    size -= sizes[place]!;
    numbers[place] = numbers[numbers.length - 1]!;
    sizes[place] = sizes[sizes.length - 1]!;
    numbers.pop();
    sizes.pop();
    return number;
  };
  return {
    push(batch: RecordBatch): Observable<RecordBatch> {
      const first = held.hold(batch);
      const leaving: number[] = [];
      for (const [row, rowSize] of rowBytes(batch).entries()) {
        numbers.push(first + row);
        sizes.push(rowSize);
        size += rowSize;
        while (numbers.length > rows || (size > bytes && numbers.length > 1)) leaving.push(draw());
      }
      return leaving.length === 0 ? EMPTY : from([held.take(leaving)]);
    },
    flush(): Observable<RecordBatch> {
      return from(drain());
    },
  };

  function* drain(): Generator<RecordBatch> {
    while (numbers.length > 0) {
      const count = Math.min(LAST_ROWS, numbers.length);
      yield held.take(Array.from({ length: count }, draw));
    }
  }
}
