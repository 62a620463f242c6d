import type { RecordBatch } from 'apache-arrow';
import { concatBatches } from '../../pipeline/batch/concat.js';
import { takeRows } from '../../pipeline/batch/select.js';

/** Rows that an operator keeps for later, each under a number. */
export interface HeldRows {
  /** Keeps the rows of a batch; they are numbered from the returned number on. */
  hold(batch: RecordBatch): number;
  /** The rows of these numbers, in this order, at least one; they are kept no longer. */
  take(numbers: readonly number[]): RecordBatch;
}

/** A batch of which some rows are still kept. */
interface Chunk {
  batch: RecordBatch;
  /** Number of each row of `batch`, ascending. */
  numbers: Float64Array;
  /** Rows that were not taken yet, by their place in `batch`. */
  present: Uint8Array;
  count: number;
}

/** Holds rows; the memory of taken rows is given back when more than half of their batch has been taken. */
export function createHeldRows(): HeldRows {
  const chunks: Chunk[] = [];
  let next = 0;
  return {
    hold(batch) {
      const first = next;
      next += batch.numRows;
      if (batch.numRows > 0) {
        const numbers = Float64Array.from({ length: batch.numRows }, (_, i) => first + i);
        chunks.push({ batch, numbers, present: new Uint8Array(batch.numRows).fill(1), count: batch.numRows });
      }
      return first;
    },
    take(numbers) {
      const wanted = new Map<Chunk, { readonly rows: number[]; readonly places: number[] }>();
      for (const [place, number] of numbers.entries()) {
        const chunk = chunks[lastAtOrBelow(chunks.length, (i) => chunks[i]!.numbers[0]!, number)]!;
        const row = lastAtOrBelow(chunk.numbers.length, (i) => chunk.numbers[i]!, number);
        const list = wanted.get(chunk) ?? { rows: [], places: [] };
        wanted.set(chunk, list);
        list.rows.push(row);
        list.places.push(place);
        chunk.present[row] = 0;
        chunk.count--;
      }
      const parts: RecordBatch[] = [];
      const order = new Uint32Array(numbers.length);
      let at = 0;
      for (const [chunk, { rows, places }] of wanted) {
        parts.push(takeRows(chunk.batch, Uint32Array.from(rows)));
        for (const place of places) order[place] = at++;
        shrink(chunks, chunk);
      }
      return takeRows(concatBatches(parts), order);
    },
  };
}

function shrink(chunks: Chunk[], chunk: Chunk): void {
  if (chunk.count === 0) chunks.splice(chunks.indexOf(chunk), 1);
  if (chunk.count === 0 || chunk.count * 2 >= chunk.present.length) return;
  const rows = Uint32Array.from(chunk.numbers.keys()).filter((row) => chunk.present[row] === 1);
  chunk.batch = takeRows(chunk.batch, rows);
  chunk.numbers = Float64Array.from(rows, (row) => chunk.numbers[row]!);
  chunk.present = new Uint8Array(rows.length).fill(1);
}

/** The last of `count` ascending values that is not above `value`. */
function lastAtOrBelow(count: number, valueAt: (i: number) => number, value: number): number {
  let [low, high] = [0, count - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (valueAt(middle) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
