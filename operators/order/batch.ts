import type { RecordBatch } from 'apache-arrow';
import { concat, defer, from, mergeMap } from 'rxjs';
import { FLAT } from '../../pipeline/batch/spans.js';
import { defineOperator } from '../../pipeline/operator.js';
import { createBatcher } from './batcher.js';

/**
 * Makes batches of exactly `rows` rows, in the order in which they come: what a training step takes at once.
 *
 * With `distinct`, no two rows of a batch have the same value in that column (two pictures of one caption would be each
 * other's wrong answer in contrastive training). A row whose value is in the batch already waits for the next batch that it
 * fits into; the longer it waits, the earlier it is tried. A null is like no other value.
 */
export interface Batch {
  /** Rows of each batch; in training no more than an epoch has. @minimum 1 @integer */
  rows: number;
  /** Column of text, bytes, numbers or truth values whose values differ within a batch. */
  distinct?: string;
  /** What becomes of the rows at the end that are too few for a batch: a smaller batch, none (they go to the ledger as
   * `incomplete`), or a batch filled up with rows of the first batch again. */
  last: 'keep' | 'drop' | 'fill';
  /** Most bytes of rows that wait because of `distinct`; when there are more, the oldest goes to the ledger as `crowded`.
   * @minimum 1 @unit bytes */
  waiting: number;
}

export default defineOperator({
  name: 'order/batch',
  defaults: { last: 'keep', waiting: 67108864 },
  reads: ({ distinct }: Batch) => (distinct === undefined ? {} : { [distinct]: FLAT }),
  writes: (schema) => schema,
  drops: ['incomplete', 'crowded'],
  // As with a shuffle, taken rows are freed when half of their batch has been taken.
  holds: ({ distinct, waiting }) => (distinct === undefined ? 0 : 2 * waiting),
  batchRows: ({ rows }) => rows,
  run: (config, context) => (source) =>
    defer(() => {
      const batcher = createBatcher(config, context);
      return concat(
        source.pipe(mergeMap((batch: RecordBatch) => from(batcher.push(batch)))),
        defer(() => from(batcher.finish())),
      );
    }),
});
