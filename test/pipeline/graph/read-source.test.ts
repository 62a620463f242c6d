import type { RecordBatch } from 'apache-arrow';
import { firstValueFrom, lastValueFrom, take, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batchOf, float32Column, int32Column } from '../../../pipeline/batch/build.js';
import { originOf } from '../../../pipeline/batch/origin.js';
import { AlignflowError } from '../../../pipeline/errors.js';
import { createAccount } from '../../../pipeline/graph/account.js';
import { createBudget } from '../../../pipeline/graph/budget.js';
import { fromBatches, listUnits, readUnits } from '../../../pipeline/graph/read-source.js';
import { untilAborted } from '../../../pipeline/graph/until-aborted.js';
import { defineSource, type SourceContext, type Unit } from '../../../pipeline/source.js';

const abort = new AbortController();
const context: SourceContext = {
  stage: 'pairs',
  base: '/',
  seed: 5,
  signal: abort.signal,
  cache: '/',
  note: () => undefined,
  reserve: () => undefined,
  drop: () => undefined,
};

const { schema } = batchOf({ n: int32Column([]) });

/** A source of one batch a row group; each row group holds its own number so many times. */
function numbers(rows: readonly number[], read?: (unit: Unit) => AsyncIterable<RecordBatch>) {
  async function* batches({ rowGroup = 0 }: Unit): AsyncGenerator<RecordBatch> {
    yield batchOf({ n: int32Column([]) });
    for (let i = 0; i < rows[rowGroup]!; i++) yield batchOf({ n: int32Column([rowGroup]) });
  }
  const source = defineSource({
    name: 'source/numbers',
    defaults: {},
    schema: async (_: object) => batchOf({ n: int32Column([]) }).schema,
    units: async () => rows.map((_, rowGroup) => ({ file: 'numbers', rowGroup })),
    read: read ?? batches,
  });
  return { source: source as never, options: {} };
}

async function collect(batches: AsyncIterable<RecordBatch>, most = Number.POSITIVE_INFINITY): Promise<RecordBatch[]> {
  const all: RecordBatch[] = [];
  for await (const batch of batches) {
    all.push(batch);
    if (all.length >= most) break;
  }
  return all;
}

describe('listUnits', () => {
  it('refuses a source without units', async () => {
    await expect(listUnits(numbers([]), context, { mayBeEmpty: true })).rejects.toThrow(
      'stage pairs, operator source/numbers: source/numbers has nothing to read',
    );
  });

  it('lets a stage that passes rows on read nothing of an earlier one, and says so', async () => {
    const notes: string[] = [];
    const told = { ...context, note: (text: string) => void notes.push(text) };
    const of = { name: 'clean.short', folder: '/runs/clean', rejects: true };
    expect(await listUnits({ ...numbers([]), of }, told, { mayBeEmpty: true })).toEqual([]);
    expect(notes).toEqual(['there is nothing to read of clean.short: it kept no row']);
    await expect(listUnits({ ...numbers([]), of }, told, { mayBeEmpty: false })).rejects.toThrow(
      /clean\.short was given no row: nothing was rejected\n.*\n {2}to do: take clean\.short out of `from`/,
    );
    await expect(
      listUnits({ ...numbers([]), of: { ...of, rejects: false } }, told, { mayBeEmpty: false }),
    ).rejects.toThrow(
      /clean\.short kept no row\n.*\n {2}to do: loosen the filters of clean\.short: .*ledger\.parquet says/,
    );
  });
});

describe('readUnits', () => {
  const read = async (rows: readonly number[], repeat: boolean, most?: number, firstUnit = 0) => {
    const source = numbers(rows);
    const units = await listUnits(source, context, { mayBeEmpty: false });
    return collect(readUnits(source, units, context, { repeat, schema, firstUnit }), most);
  };

  it('reads all once, in order, each row with its origin', async () => {
    const batches = await read([2, 0, 1], false, undefined, 4);
    expect(batches.map((batch) => originOf(batch, 0))).toEqual([
      { epoch: 0, unit: 4, row: 0 },
      { epoch: 0, unit: 4, row: 1 },
      { epoch: 0, unit: 6, row: 0 },
    ]);
  });

  it('begins again in another order each epoch when it repeats, and in the same orders each time', async () => {
    const units = Array.from({ length: 20 }, () => 1);
    const batches = await read(units, true, 60);
    const origins = batches.map((batch) => originOf(batch, 0)!);
    const orders = [0, 1, 2].map((epoch) => origins.slice(20 * epoch, 20 * epoch + 20).map(({ unit }) => unit));
    expect(origins.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 60 }, (_, i) => Math.floor(i / 20)));
    for (const order of orders) expect(order.toSorted((a, b) => a - b)).toEqual([...units.keys()]);
    expect(new Set(orders.map(String)).size).toBe(3);
    expect((await read(units, true, 60)).map((batch) => originOf(batch, 0))).toEqual(origins);
  });

  it('refuses to repeat what has no rows, and reads it once as nothing', async () => {
    await expect(read([0, 0], true)).rejects.toThrow('there are no rows to train on');
    expect(await read([0, 0], false)).toEqual([]);
  });

  it('refuses a batch of other columns than were declared', async () => {
    const other = numbers([1], async function* () {
      yield batchOf({ n: int32Column([1]) });
      yield batchOf({ n: float32Column([1]) });
    });
    const units = [{ file: 'a', rowGroup: 3 }];
    await expect(collect(readUnits(other, units, context, { repeat: false, schema, firstUnit: 0 }))).rejects.toThrow(
      'a, row group 3, stage pairs, operator source/numbers: the source emits column n as Float32, not Int32\n',
    );
  });

  it('says which source failed, as a defect unless it explains itself', async () => {
    const fail = (error: unknown) =>
      numbers([1], async function* () {
        yield batchOf({ n: int32Column([1]) });
        throw error;
      });
    const message = (error: unknown) =>
      collect(readUnits(fail(error), [{ file: 'a' }], context, { repeat: false, schema, firstUnit: 0 })).then(
        () => undefined,
        (reason: AlignflowError) => [reason.message.split('\n')[0], reason.fault.defect],
      );
    expect(await message(new TypeError('oh'))).toEqual([
      'stage pairs, operator source/numbers: the source failed: oh',
      true,
    ]);
    const known = new AlignflowError({ what: 'the page is damaged', where: { file: 'a.parquet', rowGroup: 3 } });
    expect(await message(known)).toEqual([
      'a.parquet, row group 3, stage pairs, operator source/numbers: the page is damaged',
      undefined,
    ]);
  });
});

describe('fromBatches', () => {
  /** Batches 0, 1, 2, ...; counts those that were asked for. */
  function endless() {
    const state = { asked: 0, closed: false };
    async function* read(): AsyncGenerator<RecordBatch> {
      try {
        for (;;) yield batchOf({ n: int32Column([state.asked++]) });
      } finally {
        state.closed = true;
      }
    }
    return { state, read };
  }
  const turns = async (count: number) => {
    for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
  };

  it('waits for room before it reads on', async () => {
    const { state, read } = endless();
    const budget = createBudget(100);
    const held: (() => void)[] = [];
    const subscription = fromBatches(read, () => budget.room(), createAccount('source')).subscribe(() =>
      held.push(budget.hold(40)),
    );
    await turns(20);
    expect(state.asked).toBe(3);
    held[0]!();
    await turns(20);
    expect(state.asked).toBe(4);
    subscription.unsubscribe();
    for (const release of held) release();
    await turns(5);
    expect(state).toEqual({ asked: 4, closed: true });
  });

  it('stops and closes its source when it is unsubscribed', async () => {
    const { state, read } = endless();
    await lastValueFrom(fromBatches(read, async () => undefined, createAccount('source')).pipe(take(5), toArray()));
    await turns(5);
    expect(state).toEqual({ asked: 5, closed: true });
  });

  it('closes it at once, though there never is room', async () => {
    const never = () => new Promise<void>(() => {});
    for (const ends of [false, true]) {
      const { state, read } = endless();
      const rows = fromBatches(read, never, createAccount('source'));
      if (ends) await lastValueFrom(rows.pipe(take(1)));
      else {
        const subscription = rows.subscribe();
        await turns(5);
        subscription.unsubscribe();
      }
      await turns(5);
      expect(state).toEqual({ asked: 1, closed: true });
    }
  });

  it('passes on an error of the source, and its end', async () => {
    const broken = new Error('broken');
    async function* fail(): AsyncGenerator<RecordBatch> {
      yield batchOf({ n: int32Column([1]) });
      throw broken;
    }
    await expect(lastValueFrom(fromBatches(fail, async () => undefined, createAccount('source')))).rejects.toBe(broken);
    async function* nothing(): AsyncGenerator<RecordBatch> {}
    expect(
      await lastValueFrom(fromBatches(nothing, async () => undefined, createAccount('source')).pipe(toArray())),
    ).toEqual([]);
  });

  it('ends with the reason of a signal', async () => {
    const { state, read } = endless();
    const stop = new AbortController();
    const last = lastValueFrom(
      fromBatches(read, async () => undefined, createAccount('source')).pipe(untilAborted(stop.signal)),
    );
    await turns(3);
    stop.abort(new Error('interrupted'));
    await expect(last).rejects.toThrow('interrupted');
    await turns(5);
    expect(state.closed).toBe(true);
    const aborted = fromBatches(read, async () => undefined, createAccount('source')).pipe(untilAborted(stop.signal));
    await expect(firstValueFrom(aborted)).rejects.toThrow('interrupted');
  });
});
