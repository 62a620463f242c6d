import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DroppedRow } from '../../../pipeline/graph/chain.js';
import { type Ledger, openLedger } from '../../../pipeline/run/ledger.js';
import { openMetricsTable } from '../../../pipeline/run/metrics-table.js';
import { columnValues, readAll } from '../../operators/parquet/reading.js';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alignflow-'));
  path = join(folder, 'stage/ledger.parquet');
});

afterEach(() => rm(folder, { recursive: true, force: true }));

function dropped(row: number, more: Partial<DroppedRow> = {}): DroppedRow {
  const reason = row % 3 === 0 ? 'short' : 'long';
  return { stage: 'pairs', operator: 'filter/caption-length[0]', reason, file: 'a.parquet', row, epoch: 0, ...more };
}

describe('the ledger', () => {
  it('keeps every row in order, across row groups', async () => {
    const ledger = await openLedger(path);
    for (let row = 0; row < 20_000; row++) {
      ledger.append(dropped(row, { measure: 'words', value: row / 8, rowGroup: row >> 10 }));
      if (row % 1000 === 0) await ledger.room();
    }
    await ledger.close();
    const { units, batches } = await readAll(folder, { path: 'stage/ledger.parquet' });
    expect(units.map(({ rows }) => rows)).toEqual([8192, 8192, 3616]);
    const rows = Array.from({ length: 20_000 }, (_, row) => row);
    expect(columnValues(batches, 'row')).toEqual(rows);
    expect(columnValues(batches, 'value')).toEqual(rows.map((row) => row / 8));
    expect(columnValues(batches, 'row_group')).toEqual(rows.map((row) => row >> 10));
    expect(new Set(columnValues(batches, 'reason').slice(0, 3))).toEqual(new Set(['short', 'long']));
  });

  it('has the bytes of one that was never split, when it goes on after parts', async () => {
    const write = async (from: number, to: number, ledger: Ledger) => {
      for (let row = from; row < to; row++) {
        ledger.append(dropped(row, row % 3 === 0 ? { measure: 'words', value: row, detail: 'x' } : {}));
        await ledger.room();
      }
    };
    const whole = await openLedger(path);
    await write(0, 20_000, whole);
    await whole.close();
    const expected = await readFile(path);
    const parts = [0, 1].map((i) => join(folder, `part-${i}`));
    const first = await openLedger(path);
    await write(0, 5000, first);
    await first.split(parts[0]!);
    await write(5000, 14_000, first);
    await first.split(parts[1]!);
    await write(14_000, 15_000, first);
    await first.abort();
    const second = await openLedger(path, parts);
    await write(14_000, 20_000, second);
    await second.close();
    expect((await readFile(path)).equals(expected)).toBe(true);
  });

  it('stands in the order of the source, whichever row came first', async () => {
    const ledger = await openLedger(path);
    const places = [
      [1, 4],
      [0, 9],
      [0, 2],
      [1, 0],
      [0, 9],
    ] as const;
    for (const [i, [unit, row]] of places.entries())
      ledger.append(dropped(row, { unit, operator: i === 4 ? 'a[0]' : 'b[1]', file: `part-${unit}` }));
    await ledger.close();
    const { batches } = await readAll(folder, { path: 'stage/ledger.parquet' });
    expect(columnValues(batches, 'file')).toEqual(['part-0', 'part-0', 'part-0', 'part-1', 'part-1']);
    expect(columnValues(batches, 'row')).toEqual([2, 9, 9, 0, 4]);
    expect(columnValues(batches, 'operator')).toEqual(['b[1]', 'a[0]', 'b[1]', 'b[1]', 'b[1]']);
    expect(await readdir(join(folder, 'stage'))).toEqual(['ledger.parquet']);
  });

  it('keeps rows that are appended in one go, without waiting', async () => {
    const ledger = await openLedger(path);
    for (let row = 0; row < 30_000; row++) ledger.append(dropped(row));
    await ledger.close();
    const { batches } = await readAll(folder, { path: 'stage/ledger.parquet', columns: ['row'] });
    expect(columnValues(batches, 'row')).toEqual(Array.from({ length: 30_000 }, (_, row) => row));
  });

  it('has nulls for what is not known, and for what is not a number', async () => {
    const ledger = await openLedger(path);
    ledger.append(dropped(1));
    ledger.append(
      dropped(2, { measure: 'score', value: Number.NaN, threshold: 0.25, detail: 'été 犬', epoch: 3, key: 'cat 7' }),
    );
    await ledger.close();
    const { batches } = await readAll(folder, { path: 'stage/ledger.parquet' });
    const row = Object.fromEntries(
      batches[0]!.schema.fields.map(({ name }) => [name, columnValues(batches, name)] as const),
    );
    expect(row).toEqual({
      stage: ['pairs', 'pairs'],
      operator: ['filter/caption-length[0]', 'filter/caption-length[0]'],
      reason: ['long', 'long'],
      measure: [null, 'score'],
      value: [null, null],
      threshold: [null, 0.25],
      detail: [null, 'été 犬'],
      file: ['a.parquet', 'a.parquet'],
      row_group: [null, null],
      row: [1, 2],
      epoch: [0, 3],
      key: [null, 'cat 7'],
    });
  });

  it('is a file with columns when nothing was dropped', async () => {
    await (await openLedger(path)).close();
    expect((await readAll(folder, { path: 'stage/ledger.parquet', columns: ['reason'] })).units).toEqual([]);
  });

  it('replaces the file of an earlier run only when it is whole, and leaves nothing when aborted', async () => {
    await (await openLedger(path)).close();
    const before = await readFile(path);
    const ledger = await openLedger(path);
    for (let row = 0; row < 10_000; row++) ledger.append(dropped(row));
    await ledger.abort();
    expect(await readdir(join(folder, 'stage'))).toEqual(['ledger.parquet']);
    expect(before.equals(await readFile(path))).toBe(true);
  });

  it.skipIf(!existsSync('/dev/full'))('says that the disk is full (needs /dev/full)', async () => {
    await mkdir(join(folder, 'stage'));
    await symlink('/dev/full', `${path}.tmp`);
    const ledger = await openLedger(path);
    for (let row = 0; row < 10_000; row++) ledger.append(dropped(row));
    await expect(ledger.close()).rejects.toThrow(/ledger\.parquet: the disk is full/);
    await ledger.abort();
    expect(await readdir(join(folder, 'stage'))).toEqual([]);
  });

  it('says which file cannot be written', async () => {
    await writeFile(join(folder, 'stage'), 'in the way');
    await expect(openLedger(path)).rejects.toThrow(/ledger\.parquet: the file cannot be written/);
  });
});

describe('the metrics table', () => {
  it('has a row for each figure of each step', async () => {
    const table = await openMetricsTable(join(folder, 'metrics.parquet'));
    table.append({ step: 1, metric: 'loss', value: 5.5 });
    table.append({ step: 1, metric: 'rate', value: 1e-3 });
    table.append({ step: 2, metric: 'loss', value: Number.NaN });
    await table.close();
    const { batches } = await readAll(folder, { path: 'metrics.parquet' });
    expect(columnValues(batches, 'step')).toEqual([1, 1, 2]);
    expect(columnValues(batches, 'metric')).toEqual(['loss', 'rate', 'loss']);
    expect(columnValues(batches, 'value')).toEqual([5.5, 1e-3, null]);
  });
});
