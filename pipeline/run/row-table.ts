import { dirname } from 'node:path';
import type { FieldDefinition, OutputStream, RowBuffer } from 'parquetjs-lite';
import { makeFolder } from '../make-folder.js';
import { writeFailure } from './atomic-file.js';

import { openUnfinishedFile, type UnfinishedFile } from './unfinished-file.js';

/** A column of a table that is written a row at a time. */
export type RowColumn = Pick<FieldDefinition, 'type' | 'optional'>;

/** A value for each column; an optional one may be missing. */
export type Row = Readonly<Record<string, string | number | undefined>>;

/** A Parquet file that rows are appended to singly. It has its name only once it is whole. */
export interface RowTable {
  /** Takes a row at once; it is written in the background. */
  append(row: Row): void;
  /** Resolves when few rows wait to be written. Rejects with the error that stopped the writing. */
  room(): Promise<void>;
  /** Writes what waits, flushes it to the disk and gives the file its name. */
  close(): Promise<void>;
  /** Removes what was written. */
  abort(): Promise<void>;
}

/** Rows in a row group. They wait in memory as plain values, about 1 MB. */
const ROW_GROUP = 8192;
/** Full row groups that may wait before `room` makes the caller wait. */
const WAITING = 4;

/** A full row group: all rows but the last one, and that one. */
interface Full {
  readonly rows: RowBuffer;
  readonly last: Row;
}

/** Opens a table. A file of the same name stays until `close` replaces it. Throws an `AlignflowError` if it cannot be written. */
export async function openRowTable(path: string, columns: Readonly<Record<string, RowColumn>>): Promise<RowTable> {
  // Loaded with the first table: what only plans a manifest writes none.
  const { default: parquet } = await import('parquetjs-lite');
  const file = await openFile(path);
  const output = createOutput(file);
  const fields = Object.entries(columns).map(
    ([name, column]) => [name, { ...column, compression: 'GZIP', statistics: false }] as const,
  );
  const writer = await parquet.ParquetWriter.openStream(
    new parquet.ParquetSchema(Object.fromEntries(fields)),
    output.stream,
    { rowGroupSize: ROW_GROUP, pageSize: ROW_GROUP, pageIndex: false },
  );
  const buffer = createBuffer(columns);
  let waiting: Full[] = [];
  let rows = buffer.empty();
  let writing: Promise<void> | undefined;
  let failure: unknown;

  // parquetjs-lite spends 25 microseconds to take a row apart, so its buffer is filled here, column by column; only the
  // last row of a row group goes through its `appendRow`, which then finds the row group full and writes it.
  const drain = async () => {
    for (let full = waiting.shift(); full !== undefined; full = waiting.shift()) {
      writer.rowBuffer = full.rows;
      await writer.appendRow(full.last);
      await output.written();
    }
  };
  const start = () => {
    writing ??= drain()
      .catch((error: unknown) => {
        failure = error;
      })
      .finally(() => {
        writing = undefined;
      });
  };
  const settle = async () => {
    while (writing !== undefined) await writing;
    if (failure !== undefined) throw writeFailure(path, failure);
  };

  return {
    append(row) {
      if (failure !== undefined) throw writeFailure(path, failure);
      if (rows.rowCount < ROW_GROUP - 1) {
        buffer.add(rows, row);
        return;
      }
      waiting.push({ rows, last: { ...row } });
      rows = buffer.empty();
      start();
    },
    async room() {
      if (waiting.length >= WAITING || failure !== undefined) await settle();
    },
    async close() {
      await settle();
      writer.rowBuffer = rows;
      await writer.close();
      await output.written();
      await file.commit();
    },
    async abort() {
      waiting = [];
      while (writing !== undefined) await writing;
      await output.written().catch(() => undefined);
      await file.abort();
    },
  };
}

/**
 * The file as the stream that the library writes to: one piece after the other, since it does not wait for its first. It drops
 * that promise too, so failures are kept for `written` and never given to it.
 */
function createOutput(file: UnfinishedFile): { readonly stream: OutputStream; written(): Promise<void> } {
  let last: Promise<void> = Promise.resolve();
  return {
    stream: {
      write(bytes, done) {
        last = last.then(() => file.write(bytes));
        last.catch(() => undefined).then(() => done());
      },
      end: (done) => done(),
    },
    written: () => last,
  };
}

async function openFile(path: string): Promise<UnfinishedFile> {
  try {
    makeFolder(dirname(path));
  } catch (error) {
    throw writeFailure(path, error);
  }
  return await openUnfinishedFile(path);
}

/** Makes row buffers of these columns, and adds rows to them. */
function createBuffer(columns: Readonly<Record<string, RowColumn>>) {
  const names = Object.keys(columns);
  const entries = Object.entries(columns).map(([name, { type, optional }]) => ({
    name,
    level: optional === true ? 1 : 0,
    convert: type === 'UTF8' ? createEncoder() : (value: string | number) => value,
  }));
  return {
    empty(): RowBuffer {
      const column = () => ({ dlevels: [], rlevels: [], values: [], distinct_values: new Set(), count: 0 });
      return {
        rowCount: 0,
        pageRowCount: 0,
        columnData: Object.fromEntries(names.map((name) => [name, column()])),
        pages: Object.fromEntries(names.map((name) => [name, []])),
      };
    },
    add(rows: RowBuffer, row: Row): void {
      for (const { name, level, convert } of entries) {
        const column = rows.columnData[name]!;
        const value = row[name];
        column.rlevels.push(0);
        column.dlevels.push(value === undefined ? 0 : level);
        column.count++;
        if (value !== undefined) column.values.push(convert(value));
      }
      rows.rowCount++;
      rows.pageRowCount++;
    },
  };
}

/** Text to UTF-8 bytes. The names in these tables come again and again, so the last thousand are kept. */
function createEncoder(): (text: string | number) => Buffer {
  const known = new Map<string | number, Buffer>();
  return (text) => {
    let bytes = known.get(text);
    if (bytes === undefined) {
      if (known.size === 1000) known.clear();
      bytes = Buffer.from(String(text));
      known.set(text, bytes);
    }
    return bytes;
  };
}
