/** A thread of a pool: runs one operator on one batch at a time. */
import type { RecordBatch } from 'apache-arrow';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { lastValueFrom, of, toArray } from 'rxjs';
import { copyRows } from '../batch/select.js';
import { placeError } from '../errors.js';
import { createBudget } from '../graph/budget.js';
import type { Distribution } from '../graph/distribution.js';
import { type Drop, operatorContext } from '../graph/operator-context.js';
import type { Operator } from '../operator.js';
import type { Options } from '../plan/plan.js';
import { packBatch, packError, unpackBatch } from '../run/rows-message.js';
import { scoresOf } from '../run/score-store.js';
import type { DroppedInTask, PoolTask, TaskOutcome } from './batch-task.js';

/** Never aborted: a pool that is closed ends its threads. */
const { signal } = new AbortController();

/** What the operator throws is an outcome, not a rejection: a task that is rejected crashed. */
export default async function work(task: PoolTask): Promise<TaskOutcome | undefined> {
  if (task === 'ready') return undefined;
  const { label, stage } = task;
  try {
    const { default: operator } = (await import(task.module)) as { readonly default: Operator<Options> };
    const given = unpackBatch(task.batch);
    const dropped: DroppedInTask[] = [];
    const { seed, folder, memory } = task;
    const surroundings = {
      stage,
      operator: label,
      seed,
      folder,
      signal,
      budget: createBudget(memory),
      scores: scoresOf(task.code),
    };
    const measured = new Map<string, Distribution>();
    const take = ({ batch, ...drop }: Drop) => {
      const values = batch === given ? {} : { values: packBatch(copyRows(batch, Uint32Array.of(drop.row))) };
      dropped.push({ ...drop, ...values });
    };
    const context = operatorContext(surroundings, operator, { take, measured });
    const emitted = await lastValueFrom(of(given).pipe(operator.run(task.options, context), toArray<RecordBatch>()));
    return givenAway({ kind: 'done', batches: emitted.map(packBatch), dropped, measured });
  } catch (error) {
    return { kind: 'failed', fault: packError(placeError(error, { stage, operator: label }, 'operator')) };
  }
}

/** Lets the memory of what is returned change threads, instead of copying it. */
function givenAway(outcome: TaskOutcome & { readonly kind: 'done' }): TaskOutcome {
  const values = outcome.dropped.map(({ values }) => values).filter((bytes) => bytes !== undefined);
  const buffers = [...outcome.batches, ...values].map(({ buffer }) => buffer);
  return move({ [transferableSymbol]: buffers, [valueSymbol]: outcome } as never) as unknown as TaskOutcome;
}
