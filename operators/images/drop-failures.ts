import type { RecordBatch } from 'apache-arrow';
import { map, type OperatorFunction } from 'rxjs';
import { takeRows } from '../../pipeline/batch/select.js';
import { mapAsync } from '../../pipeline/graph/map-async.js';
import type { OperatorContext } from '../../pipeline/operator.js';
import type { Failure } from './codec.js';

/** What became of a batch: its rows with the new column, and for each row why it failed, if it did. */
export interface Worked {
  readonly batch: RecordBatch;
  readonly failures: readonly (Failure | undefined)[];
}

/**
 * Asynchronous work on batches whose rows may fail. Failed rows are dropped as they came in, when the batch's turn has come: the
 * ledger has them in the order of the rows, not in that of the work.
 */
export function mapOrDrop(
  context: OperatorContext<Failure['reason']>,
  work: (batch: RecordBatch, signal: AbortSignal) => Promise<Worked>,
): OperatorFunction<RecordBatch, RecordBatch> {
  return (source) => {
    const failed = new WeakMap<RecordBatch, { readonly given: RecordBatch; readonly failures: Worked['failures'] }>();
    return source.pipe(
      mapAsync(context, async (batch, signal) => {
        const worked = await work(batch, signal);
        failed.set(worked.batch, { given: batch, failures: worked.failures });
        return worked.batch;
      }),
      map((batch) => {
        const { given, failures } = failed.get(batch)!;
        const kept = new Uint32Array(batch.numRows);
        let count = 0;
        for (let row = 0; row < batch.numRows; row++) {
          const failure = failures[row];
          if (failure === undefined) kept[count++] = row;
          else context.drop(given, row, failure.reason, failure.detail);
        }
        return takeRows(batch, kept.subarray(0, count));
      }),
    );
  };
}
