import type { RecordBatch } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { batchOf, int32Column } from '../../../pipeline/batch/build.js';
import { batchBytes } from '../../../pipeline/batch/bytes.js';
import { originOf, withoutOrigin } from '../../../pipeline/batch/origin.js';
import { createKeptUnits } from '../../../pipeline/graph/kept-units.js';
import { readUnits } from '../../../pipeline/graph/read-source.js';
import { defineSource, type SourceContext, type Unit } from '../../../pipeline/source.js';

const EPOCHS = 3;
const units: Unit[] = [0, 1, 2].map((rowGroup) => ({ file: 'numbers', rowGroup }));
const numbers = (rowGroup: number) => batchOf({ n: int32Column([10 * rowGroup, 10 * rowGroup + 1]) });

/** Reads some epochs of three units of two batches each, of which the last drops a row: how often each was read, and all rows. */
async function readAll(most: number | undefined, repeat = true) {
  const read = [0, 0, 0];
  let dropped = 0;
  const source = defineSource({
    name: 'source/numbers',
    defaults: {},
    drops: ['broken'],
    schema: async (_: object) => numbers(0).schema,
    units: async () => units,
    async *read(unit, _, context) {
      const { rowGroup = 0 } = unit;
      read[rowGroup]!++;
      yield numbers(rowGroup);
      if (rowGroup === 2) context.drop(unit, 2, 'broken');
      yield numbers(rowGroup);
    },
  });
  const context: SourceContext = {
    stage: 'pairs',
    base: '/',
    seed: 5,
    signal: new AbortController().signal,
    cache: '/',
    note: () => undefined,
    reserve: () => undefined,
    drop: () => {
      dropped++;
    },
  };
  const keep = most === undefined ? {} : { keep: createKeptUnits(most) };
  const rows: unknown[] = [];
  const batches = readUnits({ source: source as never, options: {} }, units, context, {
    repeat,
    schema: numbers(0).schema,
    firstUnit: 0,
    ...keep,
  });
  for await (const batch of batches) {
    rows.push([originOf(batch, 0), ...valuesOf(batch)]);
    if (rows.length === EPOCHS * 6) break;
  }
  return { read, rows, dropped };
}

const valuesOf = (batch: RecordBatch) => [...withoutOrigin(batch).getChild('n')!];

describe('units of a repeated source', () => {
  const unit = 2 * batchBytes(numbers(0));

  it('are read once where they fit, with the same rows and origins in each epoch', async () => {
    const [kept, plain] = [await readAll(10 * unit), await readAll(undefined)];
    expect(plain.read).toEqual([EPOCHS, EPOCHS, EPOCHS]);
    expect(kept.rows).toEqual(plain.rows);
    expect(kept.read).toEqual([1, 1, EPOCHS]);
  });

  it('are read again where the source drops rows of them, which go to the ledger in each epoch', async () => {
    expect((await readAll(10 * unit)).dropped).toBe((await readAll(undefined)).dropped);
  });

  it('are read again where they do not fit', async () => {
    const { read, rows } = await readAll(unit);
    expect(read.slice(0, 2).toSorted()).toEqual([1, EPOCHS]);
    expect(rows).toEqual((await readAll(undefined)).rows);
    expect((await readAll(unit - 1)).read).toEqual([EPOCHS, EPOCHS, EPOCHS]);
  });

  it('are not kept by a single reading', async () => {
    expect((await readAll(10 * unit, false)).read).toEqual([1, 1, 1]);
  });
});
