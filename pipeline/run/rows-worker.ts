/** The thread that reads rows while another one trains on them. It is started with a `RowsJob`, and tells what it reads. */
import { parentPort, workerData } from 'node:worker_threads';
import type { RecordBatch } from 'apache-arrow';
import { placeError } from '../errors.js';
import type { OperatorAccount } from '../graph/account.js';
import { createBudget } from '../graph/budget.js';
import type { DroppedRow } from '../graph/chain.js';
import { untilAborted } from '../graph/until-aborted.js';
import type { Operator } from '../operator.js';
import type { Options } from '../plan/plan.js';
import { createPool } from '../pool/worker-pool.js';
import type { Source } from '../source.js';
import { type Reading, readRows } from './read-rows.js';
import {
  type DroppedMessage,
  type FromWorker,
  packBatch,
  packError,
  type RowsJob,
  type ToWorker,
  unpackSchema,
} from './rows-message.js';

/** Dropped rows are told at the latest when there are so many. */
const DROPPED = 256;

const port = parentPort!;
const job = workerData as RowsJob;
const abort = new AbortController();
const budget = createBudget(job.memory);
const { workers } = job.pool;
const pool = workers === 0 ? undefined : createPool({ module: new URL(job.pool.module), workers, memory: job.memory });
/** Releases of the messages that the other thread has not taken yet, the oldest first. */
const sent: (() => void)[] = [];
let accounts: readonly OperatorAccount[] = [];
let dropped: DroppedMessage[] = [];

port.on('message', (message: ToWorker) => {
  if (message === 'taken') return sent.shift()?.();
  abort.abort();
  port.close();
  void pool?.close();
});
try {
  const read = readRows(
    await loadReading(job),
    {
      budget,
      ...(pool === undefined ? {} : { pool }),
      signal: abort.signal,
      drop,
      // The ledger is the other thread's, which takes no more messages while it has no room.
      room: async () => {},
      note: (text) => send({ kind: 'note', text }),
      units: (units) => send({ kind: 'units', units }),
    },
    job.rows,
  );
  accounts = read.accounts;
  read.batches.pipe(untilAborted(abort.signal)).subscribe({
    next: tell,
    error: fail,
    complete: () => {
      tell();
      send({ kind: 'complete' });
    },
  });
} catch (error) {
  fail(error);
}

async function loadReading({ sources, steps, schema, ...reading }: RowsJob): Promise<Reading> {
  return {
    ...reading,
    schema: unpackSchema(schema),
    sources: await Promise.all(
      sources.map(async (source) => ({ ...source, source: await load<Source<Options>>(source.module) })),
    ),
    steps: await Promise.all(
      steps.map(async (step) => ({
        ...step,
        operator: await load<Operator<Options>>(step.module),
        output: unpackSchema(step.output),
      })),
    ),
  };
}

/** The plan has checked what the module exports. */
async function load<Definition>(module: string): Promise<Definition> {
  return ((await import(module)) as { readonly default: Definition }).default;
}

function drop(row: DroppedRow, values?: () => RecordBatch): void {
  // The report's examples need the values of a row once, not in each epoch.
  const shown = values === undefined || row.epoch > 0 ? {} : { values: packBatch(values()) };
  dropped.push({ row, ...shown });
  if (dropped.length === DROPPED) tell();
}

/** Tells what was dropped and counted so far, with a batch where one came out. Its bytes are held until they are taken. */
function tell(batch?: RecordBatch): void {
  const packed = batch === undefined ? {} : { batch: packBatch(batch) };
  const bytes = [packed.batch, ...dropped.map(({ values }) => values)].filter((part) => part !== undefined);
  sent.push(budget.hold(bytes.reduce((sum, { byteLength }) => sum + byteLength, 0)));
  send(
    { kind: 'rows', accounts, dropped, ...packed },
    bytes.map(({ buffer }) => buffer),
  );
  dropped = [];
  for (const { measured } of accounts) measured.clear();
}

function fail(error: unknown): void {
  send({ kind: 'failed', fault: packError(placeError(error, { stage: job.stage }, 'stage')) });
}

function send(message: FromWorker, transferred: readonly ArrayBuffer[] = []): void {
  port.postMessage(message, transferred);
}
