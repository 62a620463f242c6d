/**
 * Threads for the work on batches. Each batch is worked on by itself, so what comes out does not depend on how many threads
 * there are. A thread that dies is replaced, and costs no row but one that kills every thread it comes to.
 */
import type { RecordBatch } from 'apache-arrow';
import type { Piscina } from 'piscina';
import { concatBatches, sliceBatch } from '../batch/concat.js';
import { AlignflowError, reasonOf } from '../errors.js';
import { type Distribution, mergeMeasured } from '../graph/distribution.js';
import type { Drop } from '../graph/operator-context.js';
import type { PlannedStep } from '../plan/plan.js';
import { packBatch, unpackBatch, unpackError } from '../run/rows-message.js';
import type { BatchTask, DroppedInTask, PoolTask, TaskOutcome } from './batch-task.js';

/** A step as a pool runs it. */
export type PoolStep = Pick<PlannedStep, 'module' | 'code' | 'options' | 'label' | 'seed'> & {
  readonly stage: string;
  readonly folder: string;
};

/** What an operator made of one batch. */
export interface WorkedBatch {
  readonly batches: readonly RecordBatch[];
  /** In the order in which they were dropped. */
  readonly dropped: readonly Drop[];
  /** By the name of the measure. */
  readonly measured: ReadonlyMap<string, Distribution>;
}

/** Threads that run steps on batches. */
export interface WorkerPool {
  readonly workers: number;
  /**
   * Runs a step on one batch, in the first thread that is free. Rejects with what the operator throws. When its thread dies, it
   * is tried once more, and then row by row; a row whose thread dies again is dropped as `crashed`.
   */
  run(step: PoolStep, batch: RecordBatch): Promise<WorkedBatch>;
  /** Ends the threads, and what they are doing. */
  close(): Promise<void>;
}

/** How a pool is made. */
export interface PoolOptions {
  /** The module of its threads, for which `threads.pool` stands. */
  readonly module: URL;
  /** How many threads, 1 at least. */
  readonly workers: number;
  /** The run's bound of bytes: what is being worked on in a thread may hold its share of it. */
  readonly memory: number;
  /** JavaScript heap of a thread in MB, without the bytes of rows; 1024 unless given. Without a bound, one thread's end is all's. */
  readonly heap?: number;
}

/** The reason for which a row is dropped whose work ended its thread. */
export const CRASHED = 'crashed';

/** So many rows in a row that end their thread are no bad rows: something else is broken. */
const PATIENCE = 20;

/** A pool whose threads start with the first batch. */
export function createPool({ module, workers, memory, heap = 1024 }: PoolOptions): WorkerPool {
  const share = Math.floor(memory / (workers + 1));
  let opened: Promise<Piscina> | undefined;
  let closed = false;
  let crashedInARow = 0;

  const open = async (): Promise<Piscina> => {
    const { Piscina } = await import('piscina');
    const pool = new Piscina({
      filename: module.href,
      minThreads: workers,
      maxThreads: workers,
      // A thread that waited for its next batch asleep would not hear its own timers.
      atomics: 'disabled',
      resourceLimits: { maxOldGenerationSizeMb: heap },
    });
    // A thread that dies without a batch is replaced like any other.
    pool.on('error', () => undefined);
    // What ends a thread before its first batch would end each one that replaces it.
    await pool.run('ready' satisfies PoolTask).catch((error: unknown) => {
      throw noThreads(error);
    });
    return pool;
  };
  /** One try; undefined with the reason where the thread died. */
  const attempt = async (step: PoolStep, batch: RecordBatch): Promise<WorkedBatch | string> => {
    const { module, code, options, label, seed, stage, folder } = step;
    opened ??= open();
    const pool = await opened;
    const bytes = packBatch(batch);
    const task: BatchTask = { module, code, options, label, seed, stage, folder, memory: share, batch: bytes };
    let outcome: TaskOutcome;
    try {
      outcome = (await pool.run(task, { transferList: [bytes.buffer] })) as TaskOutcome;
    } catch (error) {
      if (closed) throw error;
      return reasonOf(error);
    }
    if (outcome.kind === 'failed') throw unpackError(outcome.fault);
    const dropped = outcome.dropped.map((drop) => unpackDrop(drop, batch));
    return { batches: outcome.batches.map(unpackBatch), dropped, measured: outcome.measured };
  };
  const rowByRow = async (step: PoolStep, batch: RecordBatch): Promise<WorkedBatch> => {
    const batches: RecordBatch[] = [];
    const dropped: Drop[] = [];
    const measured = new Map<string, Distribution>();
    for (let row = 0; row < batch.numRows; row++) {
      const single = sliceBatch(batch, row, row + 1);
      const worked = await attempt(step, single);
      crashedInARow = typeof worked === 'string' ? crashedInARow + 1 : 0;
      if (typeof worked === 'string') {
        if (crashedInARow === PATIENCE) throw alwaysCrashes(step, worked);
        dropped.push({ batch, row, reason: CRASHED, detail: worked });
        continue;
      }
      for (const one of worked.batches) if (one.numRows > 0) batches.push(one);
      dropped.push(...worked.dropped.map((drop) => (drop.batch === single ? { ...drop, batch, row } : drop)));
      mergeMeasured(measured, worked.measured);
    }
    return { batches: batches.length === 0 ? [] : [concatBatches(batches)], dropped, measured };
  };

  return {
    workers,
    async run(step, batch) {
      for (let tries = 0; tries < 2; tries++) {
        const worked = await attempt(step, batch);
        if (typeof worked !== 'string') return worked;
      }
      return rowByRow(step, batch);
    },
    async close() {
      closed = true;
      const pool = await opened?.catch(() => undefined);
      await pool?.destroy();
    },
  };
}

function unpackDrop({ row, values, ...why }: DroppedInTask, given: RecordBatch): Drop {
  return values === undefined ? { ...why, batch: given, row } : { ...why, batch: unpackBatch(values), row: 0 };
}

function alwaysCrashes({ label, stage }: PoolStep, reason: string): AlignflowError {
  return new AlignflowError({
    what: `${PATIENCE} rows one after the other ended the thread that worked on them: ${reason}`,
    where: { stage, operator: label },
    expected: 'an operator that fails on single rows at most, and by context.drop',
    fix: 'run it in the main thread, where its error is seen: workers: 0',
  });
}

function noThreads(cause: unknown): AlignflowError {
  return new AlignflowError({
    what: `the threads for heavy operators cannot start: ${reasonOf(cause)}`,
    fix: 'do without them: workers: 0',
    cause,
  });
}
