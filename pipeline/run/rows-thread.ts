/** Reads rows in a thread of its own, so that they are ready when the trainer, which keeps this thread busy, asks for them. */
import { Worker } from 'node:worker_threads';
import type { RecordBatch } from 'apache-arrow';
import { Observable } from 'rxjs';
import { AlignflowError, reasonOf } from '../errors.js';
import { createAccount, type OperatorAccount } from '../graph/account.js';
import { mergeMeasured } from '../graph/distribution.js';
import { READ_AHEAD } from '../graph/read-ahead.js';
import type { Reading, ReadingEnvironment, RowsOptions, RowsRead } from './read-rows.js';
import {
  type FromWorker,
  packSchema,
  type RowsJob,
  type RowsProgress,
  unpackBatch,
  unpackError,
} from './rows-message.js';

/** How the thread is started. */
export interface RowsThread {
  /** Its module, and that of the threads of its pool, which has `workers` of them: `threads`. */
  readonly module: URL;
  readonly pool: URL;
  readonly workers: number;
}

/**
 * As `readRows`, with the same batches, accounts and dropped rows, in a thread of its own. It is started when `batches`
 * is subscribed to, reads ahead as far as the budget and the ledger have room, and ends by itself when nobody listens any more.
 */
export function readRowsInThread(
  reading: Reading,
  environment: ReadingEnvironment,
  options: RowsOptions,
  thread: RowsThread,
): RowsRead {
  const { budget, drop, note, units } = environment;
  const labels = [
    reading.sources.map(({ source }) => source.name).join(' + '),
    ...reading.steps.map(({ label }) => label),
  ];
  const accounts = labels.map(createAccount);
  const below = Math.min(budget.limit, READ_AHEAD);

  const batches = new Observable<RecordBatch>((subscriber) => {
    const worker = new Worker(thread.module, { workerData: jobOf(reading, options, budget.limit, thread) });
    const take = async ({ accounts: counts, dropped, batch }: RowsProgress) => {
      for (const [i, count] of counts.entries()) copyCounts(count, accounts[i]!);
      for (const { row, values } of dropped) drop(row, values === undefined ? undefined : () => unpackBatch(values));
      if (batch !== undefined) subscriber.next(unpackBatch(batch));
      await Promise.all([budget.room(below), environment.room()]);
      if (!subscriber.closed) worker.postMessage('taken');
    };
    worker.on('message', (message: FromWorker) => {
      if (subscriber.closed) return;
      if (message.kind === 'rows') take(message).catch((error: unknown) => subscriber.error(error));
      else if (message.kind === 'units') units(message.units);
      else if (message.kind === 'note') note(message.text);
      else if (message.kind === 'failed') subscriber.error(unpackError(message.fault));
      else subscriber.complete();
    });
    worker.on('error', (error) => subscriber.error(threadFailure(reading.stage, reasonOf(error), error)));
    worker.on('exit', (code) => subscriber.error(threadFailure(reading.stage, `it ended with code ${code}`)));
    return () => {
      worker.postMessage('stop');
      worker.unref();
    };
  });
  return { accounts, batches };
}

function jobOf(
  { sources, steps, schema, ...reading }: Reading,
  rows: RowsOptions,
  memory: number,
  { pool, workers }: RowsThread,
): RowsJob {
  return {
    ...reading,
    schema: packSchema(schema),
    sources: sources.map(({ module, options, weight, of }) => ({
      module,
      options,
      weight,
      ...(of === undefined ? {} : { of }),
    })),
    steps: steps.map(({ module, code, options, label, seed, holds, output }) => ({
      module,
      code,
      options,
      label,
      seed,
      holds,
      output: packSchema(output),
    })),
    rows,
    memory,
    pool: { module: pool.href, workers },
  };
}

function copyCounts({ operator: _, dropped, measured, ...counts }: OperatorAccount, into: OperatorAccount): void {
  Object.assign(into, counts);
  for (const [reason, rows] of dropped) into.dropped.set(reason, rows);
  mergeMeasured(into.measured, measured);
}

/** What ends the thread without a word of its own: an error outside all streams, or no memory. */
function threadFailure(stage: string, reason: string, cause?: unknown): AlignflowError {
  return new AlignflowError({
    what: `the thread that reads the rows failed: ${reason}`,
    where: { stage },
    expected: 'operators whose errors go through their streams',
    fix: 'look for a promise or a timer of an operator that fails with nobody listening, or for memory that it keeps',
    ...(cause === undefined ? {} : { cause, defect: true }),
  });
}
