import { availableParallelism } from 'node:os';
import type { Plan } from '../plan/plan.js';
import { createPool } from '../pool/worker-pool.js';
import type { StageEnvironment } from './stage-run.js';
import type { Threads } from './threads.js';

/** The threads that help the one that runs. */
export type StageThreads = Pick<StageEnvironment, 'pool' | 'rowsThread'>;

/** Starts what a plan has threads for; nothing where there are none. The pool is the caller's to close. */
export function startThreads({ workers: asked, memory }: Plan, threads: Threads | undefined): StageThreads {
  if (threads === undefined) return {};
  const workers = asked ?? defaultWorkers(availableParallelism());
  // The thread that reads rows is a worker by itself.
  const rowsThread = { module: threads.rows, pool: threads.pool, workers: Math.max(0, workers - 1) };
  if (workers === 0) return { rowsThread };
  return { rowsThread, pool: createPool({ module: threads.pool, workers, memory }) };
}

/** On two cores a pool only takes turns with this thread and the threads that decode images: no gain, and 10 % for the copies. */
function defaultWorkers(cores: number): number {
  return cores > 2 ? cores - 1 : 0;
}
