import { tmpdir } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Field, Int32, Schema } from 'apache-arrow';
import { lastValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batchOf, int32Column } from '../../../pipeline/batch/build.js';
import { batchBytes } from '../../../pipeline/batch/bytes.js';
import { createBudget } from '../../../pipeline/graph/budget.js';
import type { Options } from '../../../pipeline/plan/plan.js';
import type { RowsProgress } from '../../../pipeline/run/progress.js';
import { type ReadingEnvironment, readRows } from '../../../pipeline/run/read-rows.js';
import { defineSource, type Source } from '../../../pipeline/source.js';

/** 100 units of one batch, of so many numbers each. */
const numbers = defineSource({
  name: 'test/numbers',
  defaults: { rows: 1 },
  schema: async (_config: { rows: number }) => new Schema([new Field('n', new Int32())]),
  units: async () => Array.from({ length: 100 }, (_, i) => ({ file: `unit ${i}`, rows: 1 })),
  read: async function* (unit, { rows }, context) {
    if (rows < 0) context.drop(unit, 0, 'negative');
    yield batchOf({ n: int32Column(new Int32Array(rows)) });
  },
});

/** A reading of them, and the budget that it is held to. */
function openNumbers(
  { rows, limit, places = 3 }: { readonly rows: number; readonly limit: number; readonly places?: number },
  more: Partial<ReadingEnvironment> = {},
) {
  const budget = createBudget(limit);
  budget.open(places);
  const environment: ReadingEnvironment = {
    budget,
    signal: new AbortController().signal,
    drop: () => {},
    room: async () => {},
    note: () => {},
    units: () => {},
    ...more,
  };
  const source = numbers as unknown as Source<Options>;
  const sources = [{ source, module: '', options: { rows }, weight: 1 }];
  const folder = tmpdir();
  const { batches } = readRows(
    {
      stage: 'all',
      seed: 7,
      folder,
      base: folder,
      sources,
      mayBeEmpty: false,
      schema: new Schema([new Field('n', new Int32())]),
      steps: [],
    },
    environment,
    {},
  );
  return { batches, budget };
}

/** Bytes that are held when nobody takes a batch, and the source has stopped. */
async function readAhead(rows: number, limit: number): Promise<number> {
  const { batches, budget } = openNumbers({ rows, limit });
  const subscription = batches.subscribe((batch) => budget.hold(batchBytes(batch)));
  for (let turn = 0; turn < 1000; turn++) await nextTurn();
  subscription.unsubscribe();
  return budget.held;
}

describe('readRows', () => {
  const batch = (rows: number) => rows * 12; // A number, and its origin.

  it.each([100_000, 600_000])(
    'reads ahead by 16 MB, or a batch more than can be worked on, of %i rows each',
    async (rows) => {
      const most = Math.max(16e6, 4 * batch(rows));
      const held = await readAhead(rows, 1e9);
      expect(held).toBeGreaterThanOrEqual(Math.min(most, 100 * batch(rows)));
      expect(held).toBeLessThan(most + batch(rows));
    },
  );

  it('never reads ahead by more than the budget', async () => {
    expect(await readAhead(1_000_000, 1e7)).toBe(batch(1_000_000));
  });

  it('reads no further, where progress is kept, than work goes on, so that it is saved before all is read', async () => {
    const releases: (() => void)[] = [];
    const saved: number[] = [];
    let [read, through, due] = [0, 0, false];
    const progress: RowsProgress = {
      next: 0,
      account: () => {},
      state: () => () => undefined,
      suspended: () => undefined,
      writer: () => {},
      get inWork() {
        return 10 * (read - through);
      },
      get due() {
        return due;
      },
      save: async (next) => void saved.push(next),
      settled: async () => {},
      clear: async () => {},
    };
    const { batches, budget } = openNumbers({ rows: 10, limit: 1e9, places: 2 }, { progress });
    const settle = async () => {
      for (let turn = 0; turn < 100; turn++) await nextTurn();
    };
    const finish = async (count: number) => {
      through += count;
      for (const release of releases.splice(0, count)) release();
      await settle();
    };
    const subscription = batches.subscribe((batch) => {
      read++;
      releases.push(budget.hold(batchBytes(batch)));
    });
    await settle();
    expect(read).toBe(4);
    await finish(2);
    expect(read).toBe(6);
    due = true;
    await finish(1);
    expect([read, saved]).toEqual([6, []]);
    await finish(3);
    expect(saved[0]).toBe(6);
    subscription.unsubscribe();
  });

  it('refuses a reason for a dropped row that the source did not declare', async () => {
    const { batches } = openNumbers({ rows: -1, limit: 1e9 });
    await expect(lastValueFrom(batches)).rejects.toThrow(
      'stage all, operator test/numbers: the source dropped a row as "negative", which it did not declare',
    );
  });
});
