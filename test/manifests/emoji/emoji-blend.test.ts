import { batchOf, createRandom, deriveSeed, int32Column, type OperatorContext } from 'alignflow';
import { Field, FixedSizeBinary, type RecordBatch, Schema, vectorFromArray } from 'apache-arrow';
import { lastValueFrom, of, toArray } from 'rxjs';
import { expect, test } from 'vitest';
import blend, { type EmojiBlend } from '../../../manifests/emoji/operators/emoji-blend.js';

const type = new FixedSizeBinary(12);
const defaults = blend.defaults as unknown as EmojiBlend;

/** Rows of 2 x 2 pixels: a value for all that a drawing has, null for no drawing. */
function batchWith(first: readonly (number | null)[], second: readonly (number | null)[]): RecordBatch {
  const column = (values: readonly (number | null)[]) =>
    vectorFromArray(
      values.map((value) => (value === null ? null : new Uint8Array(12).fill(value))),
      type,
    );
  const id = int32Column(first.map((_, row) => row));
  return batchOf({ pixels: column(first), id, other_pixels: column(second) });
}

/** Random numbers by the column `id`, as the engine gives them by the row's origin. */
function contextOf(epoch: number): OperatorContext {
  const random: OperatorContext['random'] = (batch, row) =>
    createRandom(deriveSeed(7, epoch, Number(batch.getChild('id')?.get(row))));
  return { random } as OperatorContext;
}

async function run(config: EmojiBlend, batch: RecordBatch, epoch = 0) {
  const [result] = await lastValueFrom(blend.run(config, contextOf(epoch))(of(batch)).pipe(toArray()));
  const pixels = result!.getChild('pixels')!;
  return { result: result!, values: Array.from({ length: pixels.length }, (_, row) => pixels.get(row)?.[0] ?? null) };
}

const black = Array.from({ length: 2000 }, () => 0);
const white = Array.from({ length: 2000 }, () => 255);

test('mixes the given share of rows, by weights of all sizes', async () => {
  const { values } = await run(defaults, batchWith(white, black));
  const kept = values.filter((value) => value === 255).length;
  expect(kept / 2000).toBeGreaterThan(0.36);
  expect(kept / 2000).toBeLessThan(0.44);
  const mixed = values.filter((value) => value !== 255);
  expect(mixed.reduce((sum, value) => sum + value, 0) / mixed.length).toBeCloseTo(127.5, -1);
  expect(Math.min(...mixed)).toBeLessThan(5);
  expect(Math.max(...mixed)).toBeGreaterThan(250);
});

test('a share of 0 mixes nothing, a share of 1 everything', async () => {
  expect((await run({ ...defaults, share: 0 }, batchWith(white, black))).values).toEqual(white);
  expect(
    (await run({ ...defaults, share: 1 }, batchWith(white, black))).values.filter((v) => v === 255).length,
  ).toBeLessThan(20);
});

test('a drawing mixed with itself stays as it is', async () => {
  const all = Array.from({ length: 256 }, (_, value) => value);
  expect((await run({ ...defaults, share: 1 }, batchWith(all, all))).values).toEqual(all);
});

test('the weights go by row and epoch', async () => {
  const batch = batchWith(white, black);
  const { values } = await run(defaults, batch);
  expect((await run(defaults, batch)).values).toEqual(values);
  expect((await run(defaults, batch, 1)).values).not.toEqual(values);
});

test('a row without one of the drawings keeps what it has', async () => {
  const { values } = await run({ ...defaults, share: 1 }, batchWith([9, null, null], [null, 9, null]));
  expect(values).toEqual([9, null, null]);
});

test('leaves the other column out, keeps the metadata of the pixels, and does not touch its input', async () => {
  const metadata = new Map([['alignflow.shape', '2,2,3']]);
  const schema = new Schema([new Field('pixels', type, true, metadata), new Field('other_pixels', type, true)]);
  expect(String(blend.writes(schema, defaults))).toBe(String(new Schema([new Field('pixels', type, true)])));
  expect(blend.writes(schema, defaults).fields[0]?.metadata).toEqual(metadata);

  const batch = batchWith([255], [0]);
  const { result } = await run({ ...defaults, share: 1 }, batch);
  expect(result.schema.fields.map(({ name }) => name)).toEqual(['pixels', 'id']);
  expect(String(result.schema)).toBe(String(blend.writes(batch.schema, defaults)));
  expect(batch.getChild('pixels')?.get(0)?.[0]).toBe(255);
  expect(batch.getChild('other_pixels')?.get(0)?.[0]).toBe(0);
});

test('drawings of different sizes are refused before anything runs', () => {
  const larger = new Field('other_pixels', new FixedSizeBinary(48), true);
  expect(() => blend.writes(new Schema([new Field('pixels', type, true), larger]), defaults)).toThrow(
    /cannot mix pixels \(FixedSizeBinary\[12\]\) with other_pixels \(FixedSizeBinary\[48\]\)/,
  );
});

test('no rows are no rows', async () => {
  expect((await run(defaults, batchWith([], []))).result.numRows).toBe(0);
});
