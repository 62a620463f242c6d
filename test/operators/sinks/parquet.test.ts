import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RecordBatch, Schema } from 'apache-arrow';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import parquet, { type ParquetSink } from '../../../operators/sinks/parquet.js';
import { batchOf, binaryColumn, int32Column } from '../../../pipeline/batch/build.js';
import { concatBatches, sliceBatch } from '../../../pipeline/batch/concat.js';
import { batchDifference } from '../../../pipeline/batch/equal.js';
import type { SinkWriter, SuspendedSink } from '../../../pipeline/sink.js';
import { REFERENCE, readAll } from '../parquet/reading.js';
import { writtenRows } from './written-rows.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alignflow-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

function openSink(
  schema: Schema,
  options: Partial<ParquetSink> = {},
  into = folder,
  suspended?: SuspendedSink,
): Promise<SinkWriter> {
  const config = { ...(parquet.defaults as unknown as ParquetSink), ...options };
  const { signal } = new AbortController();
  const context = { stage: 'test', folder: into, schema, signal };
  return parquet.open(config, suspended === undefined ? context : { ...context, suspended });
}

async function writeAll(batches: readonly RecordBatch[], options: Partial<ParquetSink> = {}) {
  const writer = await openSink(batches[0]!.schema, options);
  for (const batch of batches) await writer.write(batch);
  return await writer.close();
}

describe('sink/parquet', () => {
  it('writes the bytes that pyarrow has read, whatever the batches', async () => {
    const rows = writtenRows();
    const reference = await readFile(join(REFERENCE, 'written.parquet'));
    for (const size of [20, 1, 7, 8]) {
      const starts = Array.from({ length: Math.ceil(20 / size) }, (_, i) => i * size);
      const shards = await writeAll(
        starts.map((start) => sliceBatch(rows, start, start + size)),
        { rowGroup: 8 },
      );
      expect(shards).toEqual([
        {
          file: 'part-00000.parquet',
          rows: 20,
          bytes: reference.length,
          sha256: createHash('sha256').update(reference).digest('hex'),
        },
      ]);
      expect(reference.equals(await readFile(join(folder, 'part-00000.parquet')))).toBe(true);
    }
  });

  it('ends a row group before the row that would be too many bytes, whatever the batches and the runs', async () => {
    const sizes = [40, 60, 10, 95, 300, 20, 50, 20, 20];
    const rows = batchOf({ image: binaryColumn(sizes.map((size) => new Uint8Array(size))) });
    const groups = async () => (await readAll(folder, { path: '.' })).units.map((unit) => unit.rows);
    for (const size of [9, 1, 4]) {
      const starts = Array.from({ length: Math.ceil(9 / size) }, (_, i) => i * size);
      const batches = starts.map((start) => sliceBatch(rows, start, start + size));
      await writeAll(batches, { rowGroup: 3, rowGroupBytes: 100 });
      expect(await groups()).toEqual([2, 1, 1, 1, 3, 1]);
    }
    const first = await openSink(rows.schema, { rowGroup: 3, rowGroupBytes: 100 });
    await first.write(sliceBatch(rows, 0, 7));
    const suspended = await first.suspend!();
    await first.abort();
    const second = await openSink(rows.schema, { rowGroup: 3, rowGroupBytes: 100 }, folder, suspended);
    await second.write(sliceBatch(rows, 7, 9));
    await second.close();
    expect(await groups()).toEqual([2, 1, 1, 1, 3, 1]);
  });

  it.each(['zstd', 'snappy', 'gzip', 'none'] as const)(
    'writes what source/parquet reads, with %s',
    async (compression) => {
      const rows = writtenRows();
      await writeAll([rows], { compression, rowGroup: 6 });
      const { units, batches } = await readAll(folder, { path: '.' });
      expect(units.map((unit) => unit.rows)).toEqual([6, 6, 6, 2]);
      expect(batchDifference(rows, concatBatches(batches))).toBeUndefined();
      expect(batches[0]?.schema.metadata).toEqual(rows.schema.metadata);
      expect(batches[0]?.schema.fields.map(({ metadata }) => metadata)).toEqual(
        rows.schema.fields.map((f) => f.metadata),
      );
    },
  );

  it('writes back every type that pyarrow wrote', async () => {
    const { batches } = await readAll(REFERENCE, { path: 'zstd.parquet' });
    await writeAll(batches, { rowGroup: 10 });
    const again = await readAll(folder, { path: '.' });
    expect(batchDifference(concatBatches(batches), concatBatches(again.batches))).toBeUndefined();
  });

  it('begins a new file when one is full, and lists them in order', async () => {
    const rows = writtenRows();
    const shards = await writeAll([rows, rows], { rowGroup: 8, file: 15 });
    expect(shards.map(({ file, rows }) => [file, rows])).toEqual([
      ['part-00000.parquet', 15],
      ['part-00001.parquet', 15],
      ['part-00002.parquet', 10],
    ]);
    const { units, batches } = await readAll(folder, { path: '.' });
    expect(units.map((unit) => unit.rows)).toEqual([8, 7, 8, 7, 8, 2]);
    expect(batchDifference(concatBatches([rows, rows]), concatBatches(batches))).toBeUndefined();
  });

  it('takes columns in another order than the schema', async () => {
    const batch = batchOf({ a: int32Column([1, 2]), b: int32Column([3, 4]) });
    const swapped = batchOf({ b: int32Column([5]), a: int32Column([6]) });
    const writer = await openSink(batch.schema);
    await writer.write(batch);
    await writer.write(swapped);
    await writer.close();
    const { batches } = await readAll(folder, { path: '.' });
    const expected = batchOf({ a: int32Column([1, 2, 6]), b: int32Column([3, 4, 5]) });
    expect(batchDifference(expected, concatBatches(batches))).toBeUndefined();
  });

  it('writes one file with the columns when there are no rows', async () => {
    const shards = await writeAll([sliceBatch(writtenRows(), 0, 0)]);
    expect(shards.map(({ file, rows }) => [file, rows])).toEqual([['part-00000.parquet', 0]]);
    expect((await readAll(folder, { path: '.', columns: ['pixels'] })).units).toEqual([]);
  });

  it('leaves nothing unfinished behind when it is aborted', async () => {
    const rows = writtenRows();
    const writer = await openSink(rows.schema, { rowGroup: 4, file: 8 });
    await writer.write(rows);
    expect(await readdir(folder)).toContain('part-00002.parquet.tmp');
    await writer.abort();
    expect((await readdir(folder)).sort()).toEqual(['part-00000.parquet', 'part-00001.parquet']);
  });

  it.skipIf(!existsSync('/dev/full'))('says that the disk is full (needs /dev/full)', async () => {
    await symlink('/dev/full', join(folder, 'part-00000.parquet.tmp'));
    const rows = writtenRows();
    const writer = await openSink(rows.schema, { rowGroup: 8 });
    await expect(writer.write(rows)).rejects.toThrow(/part-00000\.parquet: the disk is full/);
    await writer.abort();
    expect(await readdir(folder)).toEqual([]);
  });

  it('says which file cannot be written', async () => {
    const rows = writtenRows();
    const writer = await openSink(rows.schema, {}, join(folder, 'gone'));
    await writer.write(rows);
    await expect(writer.close()).rejects.toThrow(/part-00000\.parquet: the file cannot be written/);
  });
});
