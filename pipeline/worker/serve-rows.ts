import { setImmediate as nextTurn } from 'node:timers/promises';
import { type RecordBatch, Schema, vectorFromArray } from 'apache-arrow';
import { lastValueFrom, Subject, tap } from 'rxjs';
import { concatBatches, sliceBatch } from '../batch/concat.js';
import { schemaDifference } from '../batch/equal.js';
import { withOrigin, withoutOrigin } from '../batch/origin.js';
import { plainBatch, plainSchema } from '../batch/plain.js';
import { batchFrom } from '../batch/select.js';
import { AlignflowError } from '../errors.js';
import { droppedRows, type OperatorAccount } from '../graph/account.js';
import type { MemoryBudget } from '../graph/budget.js';
import { type ChainContext, chain } from '../graph/chain.js';
import type { PlannedStage } from '../plan/plan.js';
import { checkAccounts } from '../run/sums.js';
import type { Unit } from '../source.js';
import { type IncomingRows, streamBytes } from './ipc-stream.js';

/** What the rows are served with. */
export interface ServeEnvironment {
  readonly signal: AbortSignal;
  readonly budget: MemoryBudget;
  readonly drop: ChainContext['drop'];
  /** Column that names a row, for the ledger. */
  readonly key?: string;
  /** Resolves when the ledger has room for more dropped rows. */
  readonly room: () => Promise<void>;
  /** Resolves when the host has taken the bytes, or may take more. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
}

/** Rows of a unit, by which origins are numbered. */
const UNIT = 2 ** 24;

/**
 * Sends batches through the steps of a stage: one batch out for each batch in, which may be empty, so that a host can pair them.
 * Steps that keep rows for later (a shuffle) give them with a later batch, or with one more at the end. The schema that goes out
 * says which stage it is of, and the stage's fingerprint, in its metadata.
 */
export async function serveRows(stage: PlannedStage, rows: IncomingRows, environment: ServeEnvironment): Promise<void> {
  const { signal, budget, write } = environment;
  const given = expectedSchema(stage, rows.schema);
  const units: Unit[] = [];
  const { drop, key } = environment;
  const named = key === undefined ? {} : { key };
  const context = { stage: stage.name, signal, budget, folder: stage.folder, units, drop, ...named };
  const { run, accounts } = chain(stage.steps, context);
  const output = outputSchema(stage, given);
  const bytes = streamBytes(output);
  const input = new Subject<RecordBatch>();
  let made: RecordBatch[] = [];
  const running = lastValueFrom(
    input.pipe(
      run,
      tap((batch) => made.push(withoutOrigin(batch))),
    ),
    {
      defaultValue: undefined,
    },
  );
  let failure: unknown;
  running.catch((error: unknown) => {
    failure = error;
  });
  const take = (): RecordBatch => {
    const batches = made.filter(({ numRows }) => numRows > 0);
    made = [];
    const whole = batches.length === 0 ? emptyBatch(output) : concatBatches(batches);
    return batchFrom(output, [...whole.data.children], whole.numRows);
  };

  await write(bytes.head);
  let row = 0;
  for await (const batch of rows.batches) {
    for (const part of partsOf(plainBatch(batch, given), row)) {
      const unit = Math.floor(row / UNIT);
      units[unit] ??= { file: 'standard input', ...(unit === 0 ? {} : { rowGroup: unit }) };
      input.next(withOrigin(part, { epoch: 0, unit, row: row % UNIT }));
      row += part.numRows;
    }
    await settled(accounts, budget);
    await environment.room();
    if (failure !== undefined) break;
    await write(bytes.batch(take()));
  }
  input.complete();
  await running;
  checkAccounts(stage.name, accounts);
  if (made.some(({ numRows }) => numRows > 0)) await write(bytes.batch(take()));
  await write(bytes.end);
}

/** The rows' columns as the stage has them; they may come in any order and in any of the forms that Arrow has for one type. */
function expectedSchema(stage: PlannedStage, incoming: Schema): Schema {
  const wanted = stage.rows!.schema;
  const plain = plainSchema(incoming);
  const names = (schema: Schema) => new Set(schema.fields.map(({ name }) => name));
  const [has, wants] = [names(plain), names(wanted)];
  const missing = [...wants].filter((name) => !has.has(name));
  const more = [...has].filter((name) => !wants.has(name));
  const ordered = () => new Schema(wanted.fields.map(({ name }) => plain.fields.find((field) => field.name === name)!));
  const difference =
    missing.length > 0
      ? `there is no column ${missing.join(', ')}`
      : more.length > 0
        ? `the stage knows no column ${more.join(', ')}`
        : schemaDifference(wanted, ordered());
  if (difference === undefined) return wanted;
  throw new AlignflowError({
    what: `standard input has other columns than the rows of the stage: ${difference}`,
    where: { stage: stage.name },
    expected: wanted.fields.map(({ name, type }) => `${name}: ${type}`).join(', '),
  });
}

function outputSchema({ name, steps, fingerprint }: PlannedStage, given: Schema): Schema {
  const { fields, metadata } = steps.at(-1)?.output ?? given;
  const marks = [
    ['alignflow.stage', name],
    ['alignflow.fingerprint', fingerprint],
  ] as const;
  return new Schema(fields, new Map([...metadata, ...marks]));
}

function* partsOf(batch: RecordBatch, first: number): Generator<RecordBatch> {
  const room = UNIT - (first % UNIT);
  if (batch.numRows <= room) yield batch;
  else {
    yield sliceBatch(batch, 0, room);
    yield sliceBatch(batch, room, batch.numRows);
  }
}

/** Resolves when all rows have come out or were dropped, or those that have not wait for nothing asynchronous. */
async function settled(accounts: readonly OperatorAccount[], budget: MemoryBudget): Promise<void> {
  const balanced = () => accounts.every((account) => account.rowsIn === account.rowsOut + droppedRows(account));
  while (!balanced()) {
    if (budget.held === 0) return;
    await budget.room(1);
    await nextTurn();
  }
}

function emptyBatch(schema: Schema): RecordBatch {
  return batchFrom(
    schema,
    schema.fields.map(({ type }) => vectorFromArray([], type).data[0]!),
    0,
  );
}
