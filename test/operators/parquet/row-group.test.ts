import { type FileHandle, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RecordBatch } from 'apache-arrow';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { encodeParquet } from '../../../operators/parquet/encode.js';
import { movedRowGroups } from '../../../operators/parquet/extract.js';
import { struct, structList, structs } from '../../../operators/parquet/fields.js';
import { openParquet } from '../../../operators/parquet/file.js';
import {
  CHUNK,
  type ColumnChunk,
  FILE,
  footerBytes,
  GROUP,
  META,
  parseFooter,
  TAIL,
  withRowGroups,
} from '../../../operators/parquet/footer.js';
import { readRowGroup } from '../../../operators/parquet/row-group.js';
import { THRIFT } from '../../../operators/parquet/thrift.js';
import { batchOf, binaryColumn, int32Column, int32ListColumn, utf8Column } from '../../../pipeline/batch/build.js';
import { plainBatch, plainSchema } from '../../../pipeline/batch/plain.js';
import { columnValues, REFERENCE } from './reading.js';

const values = JSON.parse(await readFile(join(REFERENCE, 'values.json'), 'utf8')) as Record<string, unknown[]>;
const ROWS = 25;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alignflow-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** The batches of the first row group, in the plain form that the source gives. */
async function read(
  path: string,
  options: { batchSize: number; partBytes: number; columns?: readonly string[] },
): Promise<readonly RecordBatch[]> {
  const file = await openParquet(path, { name: 'it.parquet', columns: options.columns });
  const schema = plainSchema(file.schema);
  const batches: RecordBatch[] = [];
  for await (const batch of readRowGroup(file, 0, options)) batches.push(plainBatch(batch, schema));
  return batches;
}

describe('a row group in parts', () => {
  describe('asks for memory, where decoding takes more than for any part,', () => {
    const asked = async (columns: readonly string[], partBytes: number): Promise<readonly number[]> => {
      const file = await openParquet(join(REFERENCE, 'many-pages-v1.parquet'), { name: 'it', columns });
      const bytes: number[] = [];
      const options = { batchSize: 25, partBytes, reserve: (more: number) => void bytes.push(more) };
      for await (const _ of readRowGroup(file, 0, options));
      return bytes;
    };

    it('once, and less of it for larger parts', async () => {
      const columns = Object.keys(values);
      const [most, ...more] = await asked(columns, 1);
      expect(more).toEqual([]);
      expect(most).toBeGreaterThan(100);
      expect(await asked(columns, 11)).toEqual([most! - 5 * 10]);
      expect(await asked(columns, Math.ceil(most! / 5) + 1)).toEqual([]);
    });

    it('for all pages of a column of lists as they are read, and the largest as it is decoded', async () => {
      const file = await openParquet(join(REFERENCE, 'many-pages-v1.parquet'), { name: 'it', columns: ['large_list'] });
      const [{ start, end, bytes }] = file.footer.rowGroups[0]!.columns as [ColumnChunk];
      const [most] = await asked(['large_list'], 1);
      expect(most).toBeGreaterThan(2 * (end - start));
      expect(most).toBeLessThan(2 * (end - start) + 5 * bytes - 5);
    });

    it('for the largest page of another, with its dictionary', async () => {
      const file = await openParquet(join(REFERENCE, 'many-pages-v1.parquet'), { name: 'it', columns: ['text'] });
      const [chunk] = file.footer.rowGroups[0]!.columns as [ColumnChunk];
      const [bytes] = await asked(['text'], 1);
      expect(bytes).toBeGreaterThan(2 * (chunk.data - chunk.start));
      expect(bytes).toBeLessThan(2 * (chunk.end - chunk.start) + 3 * chunk.bytes - 5);
    });

    it('and ends where it is refused', async () => {
      const file = await openParquet(join(REFERENCE, 'many-pages-v1.parquet'), { name: 'it', columns: undefined });
      const reserve = () => {
        throw new Error('no');
      };
      await expect(readRowGroup(file, 0, { batchSize: 25, partBytes: 1, reserve }).next()).rejects.toThrow('no');
    });
  });

  it.each(['many-pages-v1.parquet', 'many-pages-v2.parquet'])('of %s has every value of every type', async (name) => {
    const path = join(REFERENCE, name);
    for (const partBytes of [1, 1000, 1500]) {
      const batches = await read(path, { batchSize: 4, partBytes });
      // With parts of one byte the largest column of lists decides: it is read about four times.
      expect(batches.length).toBeGreaterThan(partBytes === 1 ? ROWS / 2 : ROWS / 4);
      expect(Math.max(...batches.map(({ numRows }) => numRows))).toBeLessThanOrEqual(partBytes === 1 ? 2 : 4);
      for (const [column, expected] of Object.entries(values)) {
        expect(columnValues(batches, column), `${column}, ${partBytes}`).toEqual(expected);
      }
    }
  });

  it('has them for any batch, part and columns', async () => {
    const anyColumns = fc.subarray(Object.keys(values), { minLength: 1 });
    const anyFile = fc.constantFrom('many-pages-v1.parquet', 'many-pages-v2.parquet', 'pages-v2.parquet');
    await fc.assert(
      fc.asyncProperty(anyFile, anyColumns, fc.nat(30), fc.nat(4000), async (name, wanted, batch, partBytes) => {
        const columns = name === 'pages-v2.parquet' ? ['int32', 'text', 'double'] : wanted;
        const batches = await read(join(REFERENCE, name), { batchSize: batch + 1, partBytes, columns });
        for (const column of columns) expect(columnValues(batches, column)).toEqual(values[column]);
      }),
      { numRuns: 60 },
    );
  });

  describe('reads', () => {
    const path = join(REFERENCE, 'many-pages-v1.parquet');
    let probe: FileHandle;
    let reading: MockInstance;

    beforeEach(async () => {
      probe = await open(path);
      reading = vi.spyOn(Object.getPrototypeOf(probe) as FileHandle, 'read');
    });
    afterEach(async () => {
      reading.mockRestore();
      await probe.close();
    });

    const bytesRead = async () => {
      const results = await Promise.all(
        reading.mock.results.map(({ value }) => value as Promise<{ bytesRead: number }>),
      );
      return results.reduce((sum, result) => sum + result.bytesRead, 0);
    };

    it('the pages of its rows, not the whole column', async () => {
      const file = await openParquet(path, { name: 'it', columns: ['text'] });
      const parts = readRowGroup(file, 0, { batchSize: 1, partBytes: 1 });
      await parts.next();
      reading.mockClear();
      await parts.next();
      await parts.return();
      // A dictionary of a few texts and a page of three; the column has 1,119 bytes.
      expect(await bytesRead()).toBeGreaterThan(50);
      expect(await bytesRead()).toBeLessThan(300);
    });

    it('a column of lists again for each part, but not for parts as small as may be', async () => {
      const file = await openParquet(path, { name: 'it', columns: ['tokens'] });
      reading.mockClear();
      const rows: number[] = [];
      for await (const batch of readRowGroup(file, 0, { batchSize: 25, partBytes: 1 })) rows.push(batch.numRows);
      // The column has 844 bytes.
      expect(rows.length).toBeGreaterThan(1);
      expect(await bytesRead()).toBeGreaterThan(844);
      expect(await bytesRead()).toBeLessThan(844 * 6);
    });
  });

  it('damaged anywhere is an error that names the file, or other values, and nothing worse', async () => {
    const whole = await readFile(join(REFERENCE, 'many-pages-v1.parquet'));
    const path = join(folder, 'broken.parquet');
    let damaged = 0;
    for (let at = 4; at < whole.length - 8; at += 131) {
      const broken = Buffer.from(whole);
      broken.fill(0xff, at, Math.min(at + 8, whole.length - 8));
      await writeFile(path, broken);
      const answer = await read(path, { batchSize: 4, partBytes: 600 }).then(
        () => 'it was read',
        (error: Error) => `${error.name}: ${error.message}`,
      );
      if (answer === 'it was read') continue;
      damaged++;
      expect(answer).toMatch(/^AlignflowError: it\.parquet/);
    }
    expect(damaged).toBeGreaterThan(50);
  });

  it('with fewer rows than its footer says is refused, whole and in parts', async () => {
    const batch = batchOf({ caption: utf8Column(Array.from({ length: 10 }, (_, i) => `row ${i}`)) });
    const encoder = encodeParquet(batch.schema, 'none');
    const body = encoder.rowGroup(batch);
    const end = encoder.end();
    const footer = parseFooter(end.subarray(0, end.length - TAIL));
    const more = structs(footer.struct, FILE.rowGroups).map((group) =>
      new Map(group).set(GROUP.rows, { type: THRIFT.i64, value: 12 }),
    );
    const path = join(folder, 'fewer.parquet');
    await writeFile(path, Buffer.concat([body, footerBytes(withRowGroups(footer.struct, 12, more))]));
    await expect(read(path, { batchSize: 4, partBytes: 1e6 })).rejects.toThrow('fewer rows than its footer says');
    await expect(read(path, { batchSize: 4, partBytes: 1 })).rejects.toThrow('have 10 rows, not 12');
  });

  it('is read where the footer counts values otherwise, as the decoder does without that', async () => {
    const whole = await readFile(join(REFERENCE, 'many-pages-v1.parquet'));
    const end = whole.length - TAIL - whole.readUInt32LE(whole.length - TAIL);
    const footer = parseFooter(whole.subarray(end, whole.length - TAIL));
    const groups = structs(footer.struct, FILE.rowGroups).map((group) => {
      const columns = structs(group, GROUP.columns).map((chunk) => {
        const meta = new Map(struct(chunk, CHUNK.metadata)).set(META.values, { type: THRIFT.i64, value: 3 });
        return new Map(chunk).set(CHUNK.metadata, { type: THRIFT.struct, value: meta });
      });
      return new Map(group).set(GROUP.columns, structList(columns));
    });
    const path = join(folder, 'counts.parquet');
    const lying = footerBytes(withRowGroups(footer.struct, footer.rows, groups));
    await writeFile(path, Buffer.concat([whole.subarray(0, end), lying]));
    for (const partBytes of [1e6, 1]) {
      const batches = await read(path, { batchSize: 4, partBytes, columns: ['tokens', 'text'] });
      for (const column of ['tokens', 'text']) expect(columnValues(batches, column)).toEqual(values[column]);
    }
  });

  it('whose columns differ in their rows is refused', async () => {
    const encode = (rows: number) => {
      const numbers = Array.from({ length: rows }, (_, i) => i);
      const batch = batchOf({ number: int32Column(numbers), tokens: int32ListColumn(numbers.map((n) => [n, n])) });
      const encoder = encodeParquet(batch.schema, 'none');
      const body = encoder.rowGroup(batch);
      const end = encoder.end();
      return { body, footer: parseFooter(end.subarray(0, end.length - TAIL)) };
    };
    const [long, short] = [encode(12), encode(10)];
    const [group] = structs(long.footer.struct, FILE.rowGroups);
    const [other] = movedRowGroups(short.footer, long.body.length);
    const [number, tokens] = [group!, other!].map((one, column) => structs(one, GROUP.columns)[column]!);
    const mixed = new Map(group).set(GROUP.columns, structList([number!, tokens!]));
    const path = join(folder, 'differ.parquet');
    const end = footerBytes(withRowGroups(long.footer.struct, 12, [mixed]));
    await writeFile(path, Buffer.concat([long.body, short.body, end]));
    for (const partBytes of [1e6, 100, 1]) {
      await expect(read(path, { batchSize: 12, partBytes }), `${partBytes}`).rejects.toThrow(
        /^it\.parquet, row group 0: the file is damaged: .*(rows|12 read)/,
      );
    }
  });

  it.each([
    ['different images', (i: number) => i & 255],
    ['one image, which the file has once', () => 7],
  ])('keeps one part at a time in the memory of the decoder: %s', async (_, colour) => {
    const path = join(folder, 'large.parquet');
    const rows = 1000;
    const images = Array.from({ length: rows }, (_, i) => new Uint8Array(64_000).fill(colour(i)));
    const batch = batchOf({ image: binaryColumn(images), caption: utf8Column(images.map((_, i) => `row ${i}`)) });
    const encoder = encodeParquet(batch.schema, 'none');
    await writeFile(path, Buffer.concat([encoder.rowGroup(batch), encoder.end()]));
    // A decoder of its own: that of the encoder has grown.
    vi.resetModules();
    const fresh = await import('../../../operators/parquet/row-group.js');
    const { parquetWasm } = await import('../../../operators/parquet/wasm.js');
    const file = await openParquet(path, { name: 'it', columns: undefined });
    let row = 0;
    for await (const part of fresh.readRowGroup(file, 0, { batchSize: 16, partBytes: 4e6 })) {
      for (const { caption, image } of part) {
        expect([caption, image.length, image.at(-1)]).toEqual([`row ${row}`, 64_000, colour(row)]);
        row++;
      }
    }
    expect(row).toBe(rows);
    // 64 MB of rows; a part has 4 MB of them, its bytes are there twice, and page for page may be decoded beside it.
    expect(parquetWasm().wasmMemory().buffer.byteLength).toBeLessThan(24e6);
  });
});
