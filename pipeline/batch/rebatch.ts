import type { RecordBatch } from 'apache-arrow';
import { defer, Observable, type OperatorFunction, takeWhile } from 'rxjs';
import { concatBatches, sliceBatch } from './concat.js';

/** The same rows in the same order, in batches of `rows` rows; the last may have fewer. Batches without rows are left out. */
export function rebatch(rows: number): OperatorFunction<RecordBatch, RecordBatch> {
  return (source) =>
    defer(() => {
      let waiting: RecordBatch[] = [];
      let count = 0;
      return new Observable<RecordBatch>((subscriber) =>
        source.pipe(takeWhile(() => !subscriber.closed)).subscribe({
          next(batch) {
            let from = 0;
            while (count + batch.numRows - from >= rows) {
              const to = from + rows - count;
              const full = concatBatches([...waiting, sliceBatch(batch, from, to)]);
              waiting = [];
              count = 0;
              from = to;
              subscriber.next(full);
              if (subscriber.closed) return;
            }
            if (from === batch.numRows) return;
            waiting.push(sliceBatch(batch, from, batch.numRows));
            count += batch.numRows - from;
          },
          error: (error) => subscriber.error(error),
          complete() {
            if (count > 0) subscriber.next(concatBatches(waiting));
            subscriber.complete();
          },
        }),
      );
    });
}
