import { tmpdir } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Field, Int32, Schema } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { batchOf, int32Column } from '../../../pipeline/batch/build.js';
import { batchBytes } from '../../../pipeline/batch/bytes.js';
import { createBudget } from '../../../pipeline/graph/budget.js';
import type { Options } from '../../../pipeline/plan/plan.js';
import { type ReadingEnvironment, readRows } from '../../../pipeline/run/read-rows.js';
import { defineSource, type Source } from '../../../pipeline/source.js';

/** 100 units of one batch, of so many numbers each. */
const numbers = defineSource({
  name: 'test/numbers',
  defaults: { rows: 1 },
  schema: async (_config: { rows: number }) => new Schema([new Field('n', new Int32())]),
  units: async () => Array.from({ length: 100 }, (_, i) => ({ file: `unit ${i}`, rows: 1 })),
  read: async function* (_unit, { rows }) {
    yield batchOf({ n: int32Column(new Int32Array(rows)) });
  },
});

/** Bytes that are held when nobody takes a batch, and the source has stopped. */
async function readAhead(rows: number, limit: number, places = 3): Promise<number> {
  const budget = createBudget(limit);
  budget.open(places);
  const environment: ReadingEnvironment = {
    budget,
    signal: new AbortController().signal,
    drop: () => {},
    room: async () => {},
    note: () => {},
    units: () => {},
  };
  const source = numbers as unknown as Source<Options>;
  const sources = [{ source, module: '', options: { rows }, weight: 1 }];
  const folder = tmpdir();
  const { batches } = readRows({ stage: 'all', seed: 7, folder, base: folder, sources, steps: [] }, environment, {});
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
});
