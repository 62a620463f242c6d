import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DroppedRow } from '../graph/chain.js';
import { readLedger } from './read-ledger.js';
import { openRowTable, type Row, type RowColumn } from './row-table.js';
import { createPlaces, inRankOrder } from './sort-ledger.js';

/** The table of a stage's dropped rows: which, where they came from, by whom and why. */
export interface Ledger {
  /** Records a row. Cheap and synchronous: it is written in the background. */
  append(row: DroppedRow): void;
  /** Resolves when few rows wait to be written; a fast producer waits for it. */
  room(): Promise<void>;
  /** Brings the rows so far to the disk, as a file of their own that `openLedger` can begin with. */
  split(to: string): Promise<void>;
  /** Finishes the file and gives it its name. */
  close(): Promise<void>;
  /** Leaves no file behind. */
  abort(): Promise<void>;
}

const COLUMNS: Readonly<Record<string, RowColumn>> = {
  stage: { type: 'UTF8' },
  operator: { type: 'UTF8' },
  reason: { type: 'UTF8' },
  measure: { type: 'UTF8', optional: true },
  value: { type: 'DOUBLE', optional: true },
  threshold: { type: 'DOUBLE', optional: true },
  detail: { type: 'UTF8', optional: true },
  file: { type: 'UTF8' },
  row_group: { type: 'INT32', optional: true },
  row: { type: 'INT32' },
  epoch: { type: 'INT32' },
  key: { type: 'UTF8', optional: true },
};

/**
 * Opens a ledger: a Parquet file of the columns stage, operator, reason, measure, value, threshold, detail, file, row_group,
 * row, epoch and key. Its rows stand in the order of the source, whatever was ready first: then its bytes depend on the data alone. A value
 * that is not a number is null. Throws an `AlignflowError` when the file cannot be written.
 * @param begun files that `split` made of its first rows, which an interrupted run left
 */
export async function openLedger(path: string, begun: readonly string[] = []): Promise<Ledger> {
  const parts = [...begun];
  let table = await openRowTable(path, COLUMNS);
  let places = createPlaces();
  const write = async (to: string, rows: AsyncIterable<DroppedRow>): Promise<void> => {
    table = await openRowTable(to, COLUMNS);
    for await (const row of rows) {
      await table.room();
      table.append(toRow(row));
    }
    await table.close();
  };
  /** Finishes what was appended, in order, as a file of another name. */
  const finish = async (to: string): Promise<void> => {
    await table.close();
    if (places.inOrder) return rename(path, to);
    await write(to, inRankOrder(readLedger(path), places.ranks()));
    await rm(path);
  };
  return {
    append(row) {
      places.add(row);
      table.append(toRow(row));
    },
    room: () => table.room(),
    async split(to) {
      await mkdir(dirname(to), { recursive: true });
      await finish(to);
      parts.push(to);
      places = createPlaces();
      table = await openRowTable(path, COLUMNS);
    },
    async close() {
      if (parts.length === 0 && places.inOrder) return table.close();
      const last = `${path}.last`;
      await finish(last);
      if (parts.length === 0) return rename(last, path);
      await write(path, readAll([...parts, last]));
      await rm(last);
    },
    abort: () => table.abort(),
  };
}

async function* readAll(paths: readonly string[]): AsyncGenerator<DroppedRow> {
  for (const path of paths) yield* readLedger(path);
}

function toRow({ rowGroup, value, unit: _, ...row }: DroppedRow): Row {
  return { ...row, row_group: rowGroup, value: Number.isNaN(value) ? undefined : value };
}
