import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RecordBatch, Schema } from 'apache-arrow';
import { Observable } from 'rxjs';
import { withOrigin } from '../batch/origin.js';
import { takeRows } from '../batch/select.js';
import { undeclaredColumn } from '../batch/undeclared-column.js';
import { AlignflowError, placeError } from '../errors.js';
import type { Options } from '../plan/plan.js';
import { createRandom, deriveSeed, permutation } from '../run/random.js';
import type { Source, SourceContext, Unit } from '../source.js';
import type { OperatorAccount } from './account.js';
import type { KeptUnits, SourceUnits } from './kept-units.js';

/** A source with its options. */
export interface ConfiguredSource {
  readonly source: Source<Options>;
  readonly options: Options;
  /** Where it reads what an earlier stage wrote. */
  readonly of?: EarlierRows;
}

/** The stage, or the branch of one, whose rows a source reads. */
export interface EarlierRows {
  /** Its name: `pairs`, or `pairs.short`. */
  readonly name: string;
  /** The folder of the stage, in which its ledger is. */
  readonly folder: string;
  /** Whether it is a branch that gets rows which a step dropped. */
  readonly rejects: boolean;
}

/** Some of the rows that there are to read. */
export interface RowChoice {
  /** Those of a unit, by their number; undefined for none. */
  in(unit: Unit): ChosenRows | undefined;
  /** Whether they stand for all rows: then a rehearsal reads them too, and those of them count that the source itself drops. */
  readonly sample: boolean;
}

/** What ends a rehearsal that may read some rows only, which do not stand for all. */
export class NeedsAllRows extends Error {
  override readonly name = 'NeedsAllRows';
}

/** Rows of a unit, by their number. */
export type ChosenRows = Pick<ReadonlySet<number>, 'has'>;

/** How a source is read. */
export interface Reading {
  /** Starts again for ever, each epoch with its units in another seeded order. Once, in the natural order, otherwise. */
  readonly repeat: boolean;
  /** What its batches have, as it was declared when the run was planned. */
  readonly schema: Schema;
  /** Added to the source's unit numbers, so that the sources of a mixture have different origins. */
  readonly firstUnit: number;
  /** The unit that a single reading begins with; 0 unless given. */
  readonly from?: number;
  /** The rows that are read; all unless it is given. */
  readonly only?: RowChoice;
  /** Where units of a repeated reading stay in memory, as far as they fit. */
  readonly keep?: KeptUnits;
  /** Waited for between two units of a single reading, with the number of the next one. */
  readonly between?: (next: number) => Promise<void>;
}

/**
 * The units of a source. None are an error, but for a stage that only passes rows on (`mayBeEmpty`) and reads what an earlier one
 * kept: that may be nothing, as nothing is rejected of clean data, and is told.
 */
export async function listUnits(
  configured: ConfiguredSource,
  context: SourceContext,
  { mayBeEmpty }: { readonly mayBeEmpty: boolean },
): Promise<readonly Unit[]> {
  const { source, options } = configured;
  const units = await source.units(options, context).catch((error: unknown) => {
    throw placeSourceError(error, source, context);
  });
  if (units.length > 0) return units;
  if (configured.of === undefined || !mayBeEmpty) throw nothingToRead(configured, context);
  context.note(`there is nothing to read of ${configured.of.name}: it kept no row`);
  return units;
}

function nothingToRead({ source, of }: ConfiguredSource, { stage }: SourceContext): AlignflowError {
  if (of !== undefined) {
    const ledger = `${join(of.folder, 'ledger.parquet')} says why each row was dropped`;
    return new AlignflowError({
      what: of.rejects ? `${of.name} was given no row: nothing was rejected` : `${of.name} kept no row`,
      where: { stage, operator: source.name },
      expected: 'at least one row to read',
      fix: of.rejects ? `take ${of.name} out of \`from\`` : `loosen the filters of ${of.name}: ${ledger}`,
    });
  }
  return new AlignflowError({
    what: `${source.name} has nothing to read`,
    where: { stage, operator: source.name },
    expected: 'at least one row',
    fix: 'look at what its options name: the files are there, and have no rows',
  });
}

/** The batches of a source, each row with its origin. An epoch without a single row is an error when repeating. */
export async function* readUnits(
  { source, options }: ConfiguredSource,
  units: readonly Unit[],
  context: SourceContext,
  { repeat, schema, firstUnit, from = 0, only, keep, between }: Reading,
): AsyncGenerator<RecordBatch> {
  const kept = repeat ? keep?.open(context) : undefined;
  let known: Schema | undefined;
  for (let epoch = 0; epoch === 0 || repeat; epoch++) {
    let rows = 0;
    const order = repeat
      ? permutation(units.length, createRandom(deriveSeed(context.seed, 'units'), epoch))
      : Uint32Array.from(units, (_, i) => i).subarray(from);
    for (const at of order) {
      let row = 0;
      const chosen = only?.in(units[at]!);
      if (only !== undefined && chosen === undefined) continue;
      try {
        for await (const batch of unitBatches({ source, options }, { unit: units[at]!, at }, context, kept)) {
          // Nobody asks between empty batches whether there is to be another.
          if (context.signal.aborted) return;
          if (batch.numRows === 0) continue;
          if (batch.schema !== known) known = declaredSchema(batch, schema, units[at]!);
          const rows = withOrigin(batch, { epoch, unit: firstUnit + at, row });
          const taken = chosen === undefined ? rows : takeChosen(rows, row, chosen);
          row += batch.numRows;
          if (taken.numRows > 0) yield taken;
        }
      } catch (error) {
        throw placeSourceError(error, source, context);
      }
      rows += row;
      if (!repeat) await between?.(at + 1);
    }
    if (repeat && rows === 0) {
      throw new AlignflowError({
        what: 'there are no rows to train on',
        where: { stage: context.stage, operator: source.name },
        expected: 'at least one row in an epoch',
        fix: 'look at the ledger of the stage before it: it says why each row was dropped',
      });
    }
  }
}

/** The schema of a batch, which must be the declared one. */
function declaredSchema(batch: RecordBatch, declared: Schema, { file, rowGroup }: Unit): Schema {
  const difference = undeclaredColumn(batch.schema, declared);
  if (difference === undefined) return batch.schema;
  throw new AlignflowError({
    what: `the source emits ${difference}`,
    where: { file, ...(rowGroup === undefined ? {} : { rowGroup }) },
    expected: 'the columns that its `schema` gave when the run was planned',
    fix: 'make `schema` and what `read` emits agree, and leave the data alone while a run reads them',
  });
}

/** The batches of a unit, from memory where they are kept there. */
async function* unitBatches(
  { source, options }: ConfiguredSource,
  { unit, at }: { readonly unit: Unit; readonly at: number },
  context: SourceContext,
  kept: SourceUnits | undefined,
): AsyncGenerator<RecordBatch> {
  const known = kept?.batchesOf(at);
  if (known !== undefined) {
    yield* known;
    return;
  }
  const reading = kept?.reading(at);
  for await (const batch of source.read(unit, options, kept?.context ?? context)) {
    reading?.batch(batch);
    yield batch;
  }
  reading?.end();
}

/** The rows of a batch that are chosen; its first is number `first` of its unit. */
function takeChosen(batch: RecordBatch, first: number, chosen: ChosenRows): RecordBatch {
  const rows = Uint32Array.from({ length: batch.numRows }, (_, row) => row).filter((row) => chosen.has(first + row));
  return takeRows(batch, rows);
}

/** The reason of an abort stays what it is. */
function placeSourceError(error: unknown, { name }: Source<Options>, { stage, signal }: SourceContext): unknown {
  return signal.aborted && error === signal.reason ? error : placeError(error, { stage, operator: name }, 'source');
}

/**
 * Pushes batches, each when `room` has resolved. A turn of the event loop passes between two batches, so that what waits
 * behind an asynchronous boundary (a decoded image, a written file) gets its turn.
 * @param account of the source: gets the time in which batches were read, and that in which there was no room for them
 */
export function fromBatches(
  batches: () => AsyncIterable<RecordBatch>,
  room: () => Promise<unknown>,
  account: OperatorAccount,
): Observable<RecordBatch> {
  return new Observable((subscriber) => {
    let wake = () => {};
    const untilRoom = () =>
      new Promise<void>((resolve, reject) => {
        wake = resolve;
        room().then(() => resolve(), reject);
      });
    const push = async () => {
      let readingSince = performance.now();
      for await (const batch of batches()) {
        account.seconds += (performance.now() - readingSince) / 1000;
        if (subscriber.closed) return;
        subscriber.next(batch);
        if (subscriber.closed) return;
        await nextTurn();
        const waitingSince = performance.now();
        await untilRoom();
        readingSince = performance.now();
        account.waiting += (readingSince - waitingSince) / 1000;
        if (subscriber.closed) return;
      }
      subscriber.complete();
    };
    push().catch((error: unknown) => subscriber.error(error));
    // Who waits for room to read on for nobody would keep what the source has, its memory too, until others make that room.
    return () => wake();
  });
}
