import type { RecordBatch } from 'apache-arrow';
import { from, mergeMap, type OperatorFunction } from 'rxjs';
import { batchBytes } from '../batch/bytes.js';
import type { OperatorAccount } from '../graph/account.js';
import type { MemoryBudget } from '../graph/budget.js';
import { mergeMeasured } from '../graph/distribution.js';
import { mapOrdered } from '../graph/map-async.js';
import type { Drop } from '../graph/operator-context.js';
import type { PoolStep, WorkedBatch, WorkerPool } from './worker-pool.js';

/** What a pooled operator needs besides its step. */
export interface PooledContext {
  readonly pool: WorkerPool;
  readonly budget: MemoryBudget;
  readonly account: OperatorAccount;
  /** Gets each dropped row when its batch's turn has come. */
  readonly take: (drop: Drop) => void;
}

/**
 * A heavy operator as a stream operator: its batches are worked on in the pool, one more than there are threads, and what
 * became of them comes out in their order. A batch in a thread is there twice, here and as bytes.
 */
export function pooled(
  step: PoolStep,
  { pool, budget, account, take }: PooledContext,
): OperatorFunction<RecordBatch, RecordBatch> {
  const work = async (batch: RecordBatch): Promise<WorkedBatch> => {
    const release = budget.hold(batchBytes(batch));
    try {
      return await pool.run(step, batch);
    } finally {
      release();
    }
  };
  return (source) =>
    source.pipe(
      mapOrdered({ budget }, work, { concurrency: pool.workers + 1, bytes: workedBytes }),
      mergeMap(({ batches, dropped, measured }) => {
        mergeMeasured(account.measured, measured);
        for (const drop of dropped) take(drop);
        return from(batches);
      }),
    );
}

function workedBytes({ batches }: WorkedBatch): number {
  return batches.reduce((sum, batch) => sum + batchBytes(batch), 0);
}
