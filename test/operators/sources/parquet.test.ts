import { copyFile, mkdir, mkdtemp, open, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import parquet from '../../../operators/sources/parquet.js';
import { columnValues, REFERENCE, readAll, sourceContext } from '../parquet/reading.js';

const values = JSON.parse(await readFile(join(REFERENCE, 'values.json'), 'utf8')) as Record<string, unknown[]>;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alignflow-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

describe('source/parquet reads what pyarrow wrote', () => {
  it.each(['zstd', 'snappy', 'gzip', 'none'])('every type, with %s', async (compression) => {
    const { units, batches } = await readAll(REFERENCE, { path: `${compression}.parquet`, batch: 4 });
    expect(units).toEqual([
      { file: `${compression}.parquet`, rowGroup: 0, rows: 10 },
      { file: `${compression}.parquet`, rowGroup: 1, rows: 10 },
      { file: `${compression}.parquet`, rowGroup: 2, rows: 5 },
    ]);
    expect(batches.map(({ numRows }) => numRows)).toEqual([4, 4, 2, 4, 4, 2, 4, 1]);
    for (const [name, column] of Object.entries(values)) expect(columnValues(batches, name), name).toEqual(column);
  });

  it('pages of the second version, delta and split encodings', async () => {
    const { batches } = await readAll(REFERENCE, { path: 'pages-v2.parquet' });
    for (const name of ['int32', 'text', 'double']) expect(columnValues(batches, name), name).toEqual(values[name]);
  });

  it('in files that have row groups without rows', async () => {
    const { units, batches } = await readAll(REFERENCE, { path: 'empty-groups.parquet' });
    expect(units.map(({ rows }) => rows)).toEqual([3, 2]);
    expect(columnValues(batches, 'caption')).toEqual(['a', 'b', 'c', 'a', 'b']);
    expect(columnValues(batches, 'score')).toEqual([0.5, null, 1.5, 0.5, null]);
  });

  it('as plain columns, with the metadata of schema and fields', async () => {
    const schema = await parquet.schema({ path: 'zstd.parquet', batch: 10 }, { stage: 'test', base: REFERENCE });
    const types = Object.fromEntries(schema.fields.map(({ name, type }) => [name, String(type)]));
    expect(types).toMatchObject({
      large_text: 'Utf8',
      view_text: 'Utf8',
      category: 'Utf8',
      large_binary: 'Binary',
      large_list: 'List<Utf8>',
      fixed: 'FixedSizeBinary[6]',
    });
    expect(schema.metadata).toEqual(new Map([['made', 'by pyarrow']]));
    const { batches } = await readAll(REFERENCE, { path: 'zstd.parquet' });
    expect(batches[0]?.schema).toEqual(schema);
    expect(schema.fields.find(({ name }) => name === 'fixed')?.metadata.get('alignflow.shape')).toBe('1,2,3');
  });
});

describe('source/parquet reads no more than it is asked for', () => {
  it('takes only the named columns, in the order of the file', async () => {
    const { batches } = await readAll(REFERENCE, { path: 'zstd.parquet', columns: ['tokens', 'image', 'text'] });
    expect(batches[0]?.schema.fields.map(({ name }) => name)).toEqual(['text', 'tokens', 'image']);
    for (const name of ['text', 'tokens', 'image']) expect(columnValues(batches, name)).toEqual(values[name]);
  });

  it('reads the bytes of one column of one row group', async () => {
    const probe = await open(join(REFERENCE, 'none.parquet'));
    const read = vi.spyOn(Object.getPrototypeOf(probe) as typeof probe, 'read');
    try {
      const config = { path: 'none.parquet', columns: ['int64'], batch: 100 };
      const context = sourceContext(REFERENCE);
      const units = await parquet.units(config, context);
      read.mockClear();
      let rows = 0;
      for await (const batch of parquet.read(units[1]!, config, context)) rows += batch.numRows;
      expect(rows).toBe(10);
      // Ten values of 8 bytes, a dictionary of them, and page headers; the file has 18,000 bytes.
      const bytes = (await Promise.all(read.mock.results.map(({ value }) => value as Promise<{ bytesRead: number }>)))
        .map(({ bytesRead }) => bytesRead)
        .reduce((sum, part) => sum + part, 0);
      expect(bytes).toBeGreaterThan(80);
      expect(bytes).toBeLessThan(400);
    } finally {
      read.mockRestore();
      await probe.close();
    }
  });
});

describe('source/parquet finds files', () => {
  const list = async (path: string) =>
    (await readAll(folder, { path, columns: ['int32'] })).units.map(({ file }) => file);

  beforeEach(async () => {
    for (const name of ['b/1.parquet', 'b/0.parquet', 'a.parquet', '_tmp.parquet', '.x.parquet', 'c.parquet.tmp']) {
      await mkdir(join(folder, 'data', name, '..'), { recursive: true });
      await copyFile(join(REFERENCE, 'pages-v2.parquet'), join(folder, 'data', name));
    }
    await symlink(join(folder, 'data/a.parquet'), join(folder, 'data/b/2.parquet'));
  });

  it('of a folder, sorted, without hidden and unfinished ones', async () => {
    expect(await list('data')).toEqual(['data/a.parquet', 'data/b/0.parquet', 'data/b/1.parquet', 'data/b/2.parquet']);
  });

  it.each([
    ['data/*.parquet', ['data/a.parquet']],
    ['data/**/*.parquet', ['data/a.parquet', 'data/b/0.parquet', 'data/b/1.parquet', 'data/b/2.parquet']],
    ['data/b/?.parquet', ['data/b/0.parquet', 'data/b/1.parquet', 'data/b/2.parquet']],
    ['data/{a,b/1}.parquet', ['data/a.parquet', 'data/b/1.parquet']],
    ['data/b/0.parquet', ['data/b/0.parquet']],
  ])('of the pattern %s', async (pattern, files) => {
    expect(await list(pattern)).toEqual(files);
  });

  it('or says that there are none', async () => {
    await mkdir(join(folder, 'empty'));
    await expect(list('nowhere.parquet')).rejects.toThrow('nowhere.parquet: there is no such file or folder');
    await expect(list('empty')).rejects.toThrow('empty: there is no *.parquet file in this folder');
    await expect(list('data/x*.parquet')).rejects.toThrow('data/x*.parquet: no file matches this pattern');
    await expect(list('gone/**/*.parquet')).rejects.toThrow('no file matches');
  });
});

describe('source/parquet refuses', () => {
  const refusal = async (name: string, bytes: Uint8Array | string) => {
    await writeFile(join(folder, name), bytes);
    return await readAll(folder, { path: name }).then(
      () => 'it was read',
      (error: Error) => `${error.name}: ${error.message}`,
    );
  };

  it('files that are no Parquet or not whole, naming them', async () => {
    const whole = await readFile(join(REFERENCE, 'zstd.parquet'));
    expect(await refusal('cut.parquet', whole.subarray(0, whole.length - 100))).toMatch(
      /^AlignflowError: cut\.parquet: .*cut off/,
    );
    expect(await refusal('text.parquet', 'a text of some length, not Parquet')).toMatch(/text\.parquet: .*it is none/);
    expect(await refusal('empty.parquet', '')).toMatch(/empty\.parquet: .*it has only 0 bytes/);
    const long = Buffer.from(whole);
    long.writeUInt32LE(0x7fffffff, long.length - 8);
    expect(await refusal('long.parquet', long)).toMatch(/its footer is longer than the file/);
    const encrypted = Buffer.from(whole);
    encrypted.write('PARE', encrypted.length - 4);
    expect(await refusal('secret.parquet', encrypted)).toMatch(/encrypted/);
  });

  it('damaged bytes anywhere, without ending the process', async () => {
    const whole = await readFile(join(REFERENCE, 'snappy.parquet'));
    let damaged = 0;
    for (let at = 4; at < whole.length - 8; at += 97) {
      const broken = Buffer.from(whole);
      broken.fill(0xff, at, Math.min(at + 8, whole.length - 8));
      const answer = await refusal('broken.parquet', broken);
      if (answer === 'it was read') continue;
      damaged++;
      expect(answer).toMatch(/^AlignflowError: broken\.parquet/);
    }
    expect(damaged).toBeGreaterThan(50);
    expect((await readAll(REFERENCE, { path: 'snappy.parquet' })).units).toHaveLength(3);
  });

  it('columns that the file does not have', async () => {
    await expect(readAll(REFERENCE, { path: 'zstd.parquet', columns: ['text', 'txet'] })).rejects.toThrow(
      'zstd.parquet: the file has no column "txet"',
    );
  });

  it('files of different columns, naming the first one that differs', async () => {
    await copyFile(join(REFERENCE, 'pages-v2.parquet'), join(folder, '0.parquet'));
    await copyFile(join(REFERENCE, 'zstd.parquet'), join(folder, '1.parquet'));
    await expect(readAll(folder, { path: '.' })).rejects.toThrow(
      '1.parquet: the file has other columns than 0.parquet: it has "bool" too',
    );
    expect((await readAll(folder, { path: '.', columns: ['text'] })).units).toHaveLength(4);
  });

  it('a file that was replaced while it was read', async () => {
    await copyFile(join(REFERENCE, 'zstd.parquet'), join(folder, 'x.parquet'));
    const config = { path: 'x.parquet', batch: 100 };
    const [unit] = await parquet.units(config, sourceContext(folder));
    await copyFile(join(REFERENCE, 'pages-v2.parquet'), join(folder, 'x.parquet'));
    await expect(parquet.read(unit!, config, sourceContext(folder))[Symbol.asyncIterator]().next()).rejects.toThrow(
      'the file was changed while it was read',
    );
  });
});
