import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ColumnChunk } from '../../../operators/parquet/footer.js';
import { bytesOfValues, type ChunkPages, readPages } from '../../../operators/parquet/pages.js';
import { bytesOfPages, pagesOfRows, partEnds } from '../../../operators/parquet/parts.js';
import { THRIFT, type ThriftField, type ThriftStruct, writeThrift } from '../../../operators/parquet/thrift.js';

/** Pages of so many rows and so many bytes each. */
function chunkOf(sizes: readonly (readonly [rows: number, bytes: number])[]): ChunkPages {
  let firstRow = 0;
  let start = 0;
  const pages = sizes.map(([rows, bytes]) => {
    const page = { start, end: start + bytes, firstRow, rows, bytes, decoded: bytes, refers: false };
    firstRow += rows;
    start += bytes;
    return page;
  });
  return { dictionary: { start: 0, end: 0 }, pages };
}

const anyPages = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.nat(100)), { minLength: 1, maxLength: 20 });

describe('the parts of a row group', () => {
  it('have as many whole batches as fit, or a piece of one', () => {
    const alike = (row: number) => row * 10;
    expect(partEnds(100, 8, 250, alike)).toEqual([24, 48, 72, 96, 100]);
    expect(partEnds(100, 8, 1000, alike)).toEqual([100]);
    expect(partEnds(20, 8, 50, alike)).toEqual([5, 10, 15, 20]);
    expect(partEnds(3, 8, 1, alike)).toEqual([1, 2, 3]);
  });

  it('follow the sizes of the rows', () => {
    const sizeBefore = bytesOfPages(
      chunkOf([
        [10, 1000],
        [10, 10],
        [10, 10],
      ]),
    );
    expect(partEnds(30, 1, 300, sizeBefore)).toEqual([3, 6, 9, 30]);
  });

  it('cover all rows, and none is larger than asked for, but of one row', () => {
    fc.assert(
      fc.property(anyPages, fc.integer({ min: 1, max: 12 }), fc.nat(300), (sizes, batch, most) => {
        const rows = sizes.reduce((sum, [count]) => sum + count, 0);
        const sizeBefore = bytesOfPages(chunkOf(sizes));
        let start = 0;
        for (const end of partEnds(rows, batch, most, sizeBefore)) {
          expect(end).toBeGreaterThan(start);
          if (end - start > 1) expect(sizeBefore(end) - sizeBefore(start)).toBeLessThanOrEqual(most);
          start = end;
        }
        expect(start).toBe(rows);
      }),
    );
  });

  it('are read from the pages that hold their rows, and no others', () => {
    fc.assert(
      fc.property(anyPages, fc.nat(), fc.nat(), (sizes, from, length) => {
        const rows = sizes.reduce((sum, [count]) => sum + count, 0);
        fc.pre(rows > 0);
        const start = from % rows;
        const end = start + 1 + (length % (rows - start));
        const chunk = chunkOf(sizes);
        const found = pagesOfRows(chunk, start, end);
        const holding = chunk.pages.filter(
          (page) => page.rows > 0 && page.firstRow < end && page.firstRow + page.rows > start,
        );
        expect(found.firstRow).toBe(holding[0]!.firstRow);
        expect(found.rows).toBe(holding.reduce((sum, page) => sum + page.rows, 0));
        expect(found.part.pages).toEqual({ start: holding[0]!.start, end: holding.at(-1)!.end });
      }),
    );
  });
});

const i32 = (value: number): ThriftField => ({ type: THRIFT.i32, value });
const nested = (fields: readonly (readonly [number, ThriftField])[]): ThriftField => ({
  type: THRIFT.struct,
  value: new Map(fields),
});

/** A page: its header, with statistics of `extra` bytes, and `size` bytes. */
function page(type: number, values: number, { size = 8, encoding = 0, extra = 0 }): Uint8Array {
  const statistics = nested([[1, { type: THRIFT.binary, value: new Uint8Array(extra) }]]);
  const data: [number, ThriftField][] = [
    [1, i32(values)],
    [2, i32(encoding)],
    [5, statistics],
  ];
  const fields: [number, ThriftField][] = [
    [1, i32(type)],
    [2, i32(size)],
    [3, i32(size)],
  ];
  if (type === 0) fields.push([5, nested(data)]);
  if (type === 2) fields.push([7, nested([[1, i32(values)]])]);
  if (type === 3)
    fields.push([
      8,
      nested([
        [1, i32(values)],
        [4, i32(encoding)],
      ]),
    ]);
  return Buffer.concat([writeThrift(new Map(fields) as ThriftStruct), new Uint8Array(size)]);
}

const reading = (bytes: Uint8Array) => async (start: number, end: number) => bytes.subarray(start, end);

function columnOf({ length }: Uint8Array, values: number): ColumnChunk {
  return { path: ['text'], start: 0, data: 0, end: length, bytes: length, values, width: undefined };
}

function find(bytes: Uint8Array, rows: number): Promise<ChunkPages> {
  return readPages(reading(bytes), columnOf(bytes, rows), rows);
}

describe('the pages of a column', () => {
  it('are found by their headers, however long these are', async () => {
    const parts = [page(0, 5, { extra: 40_000 }), page(1, 0, {}), page(3, 7, { size: 30_000 }), page(0, 1, {})];
    const { dictionary, pages } = await find(Buffer.concat(parts), 13);
    expect(dictionary).toEqual({ start: 0, end: 0 });
    expect(pages.map(({ firstRow, rows, bytes }) => [firstRow, rows, bytes])).toEqual([
      [0, 5, 8],
      [5, 7, 30_000],
      [12, 1, 8],
    ]);
    expect(pages.map(({ end, start }) => end - start)).toEqual(
      [parts[0], parts[2], parts[3]].map((part) => part!.length),
    );
  });

  it('count what the dictionary stands for', async () => {
    const bytes = Buffer.concat([page(2, 4, { size: 400 }), page(0, 1000, { encoding: 8 }), page(0, 9, { size: 90 })]);
    const { dictionary, pages } = await find(bytes, 1009);
    expect(dictionary.end - dictionary.start).toBeGreaterThan(400);
    expect(pages.map((one) => one.bytes)).toEqual([100_000, 90]);
    expect(pagesOfRows({ dictionary, pages }, 999, 1001).part.dictionary).toEqual(dictionary);
    expect(pagesOfRows({ dictionary, pages }, 1000, 1001).part.dictionary).toEqual({ start: 0, end: 0 });
  });

  it('are not all needed for what a dictionary stands for', async () => {
    const dictionary = page(2, 4, { size: 400 });
    const bytes = Buffer.concat([dictionary, page(0, 1000, { encoding: 8 })]);
    const chunk = columnOf(bytes, 1000);
    // Without one there is nothing to look for.
    expect(await bytesOfValues(() => expect.fail(), chunk)).toBe(bytes.length);
    expect(await bytesOfValues(reading(bytes), { ...chunk, data: dictionary.length })).toBe(100_000);
    expect(await bytesOfValues(() => expect.fail(), { ...chunk, data: dictionary.length, width: 8 })).toBe(8000);
  });

  it.each([
    ['have 5 rows, not 6', [page(0, 5, {})], 6],
    ['unknown type 4', [page(4, 5, {})], 5],
    ['longer than its column', [page(0, 5, { size: 100 }).subarray(0, 60)], 5],
    ['ends too early', [page(0, 5, {}), page(0, 5, { size: 0 }).subarray(0, 5)], 10],
    ['dictionary behind its first page', [page(0, 5, {}), page(2, 5, {})], 5],
    ['missing or wrong', [page(0, -5, {})], 5],
    ['longer than the metadata', [page(0, 5, { extra: 20_000 }).subarray(0, 19_000)], 5],
  ])('that are none are refused: %s', async (message, parts, rows) => {
    await expect(find(Buffer.concat(parts), rows)).rejects.toThrow(message);
  });
});
