import { type FileHandle, open } from 'node:fs/promises';
import { Table as ArrowTable, type RecordBatch, Schema, tableFromIPC, tableToIPC } from 'apache-arrow';
import type { Table } from 'parquet-wasm';
import { AlignflowError, reasonOf, type Where } from '../../pipeline/errors.js';
import {
  type ColumnChunk,
  extractRowGroup,
  type Footer,
  footerBytes,
  MAGIC,
  parseFooter,
  projectFooter,
  TAIL,
} from './footer.js';
import { parquetWasm } from './wasm.js';

/** What a Parquet file says of itself. */
export interface ParquetFile {
  readonly path: string;
  /** What messages call it. */
  readonly name: string;
  readonly footer: Footer;
  /** Of the wanted columns, in the order of the file, as the writer declared them. */
  readonly schema: Schema;
}

/** How messages call a file, and the columns that are wanted of it: all when undefined. */
export interface ParquetOptions {
  readonly name: string;
  readonly columns?: readonly string[] | undefined;
}

/**
 * Reads the footer of a file, and nothing else. Throws an `AlignflowError` for a file that is missing, cut off, encrypted, no
 * Parquet file, or without one of the columns.
 */
export async function openParquet(path: string, { name, columns }: ParquetOptions): Promise<ParquetFile> {
  const where = { file: name };
  return await withFile(path, where, async (handle) => {
    const { size } = await handle.stat();
    if (size < MAGIC.length + TAIL) throw notParquet(where, `it has only ${size} bytes`);
    const head = await readRange(handle, 0, MAGIC.length);
    const tail = await readRange(handle, size - TAIL, size);
    const begins = isMagic(head);
    if (!begins || !isMagic(tail.subarray(4))) {
      if (String.fromCharCode(...tail.subarray(4)) === 'PARE') throw notParquet(where, 'its footer is encrypted');
      throw notParquet(where, begins ? 'its end is missing: it was cut off or is still being written' : 'it is none');
    }
    const length = new DataView(tail.buffer, tail.byteOffset).getUint32(0, true);
    if (length > size - TAIL - MAGIC.length) throw notParquet(where, 'its footer is longer than the file');
    return await decoding(where, async () => {
      const footer = parseFooter(await readRange(handle, size - TAIL - length, size - TAIL));
      for (const group of footer.rowGroups) for (const column of group.columns) checkRange(column, size);
      const schema = schemaOf(footer);
      if (columns === undefined) return { path, name, footer, schema };
      const chosen = chooseColumns(schema, columns, where);
      const message = tableToIPC(new ArrowTable(chosen), 'stream');
      return { path, name, footer: projectFooter(footer, new Set(columns), message), schema: chosen };
    });
  });
}

/**
 * Reads one row group, as batches of `batchSize` rows: only the bytes of its wanted columns leave the disk. Throws an
 * `AlignflowError` for bytes that do not decode.
 */
export async function readRowGroup(file: ParquetFile, rowGroup: number, batchSize: number): Promise<RowGroupBatches> {
  const where = { file: file.name, rowGroup };
  const bytes = await withFile(file.path, where, (handle) =>
    decoding(where, async () => {
      const { parts, footer, bytes: size } = extractRowGroup(file.footer, rowGroup);
      const small = new Uint8Array(size + footer.length);
      small.set(MAGIC);
      let at = MAGIC.length;
      for (const { start, end } of parts) {
        await readInto(handle, small.subarray(at, at + end - start), start);
        at += end - start;
      }
      small.set(footer, size);
      return small;
    }),
  );
  return batchesOf(await decoding(where, () => parquetWasm().readParquet(bytes, { batchSize })), where);
}

/** The batches of a decoded row group. They lie in the decoder's memory until they are taken, or `free` is called. */
export interface RowGroupBatches {
  readonly count: number;
  take(index: number): RecordBatch;
  free(): void;
}

function batchesOf(table: Table, where: Where): RowGroupBatches {
  return {
    count: table.numBatches,
    take(index) {
      try {
        return tableFromIPC(table.recordBatch(index)!.intoIPCStream()).batches[0]!;
      } catch (error) {
        throw undecodable(where, error);
      }
    },
    free: () => table.free(),
  };
}

/** The Arrow schema of a footer: the decoder is given a file without rows. */
function schemaOf(footer: Footer): Schema {
  const end = footerBytes(footer.struct);
  const empty = new Uint8Array(MAGIC.length + end.length);
  empty.set(MAGIC);
  empty.set(end, MAGIC.length);
  return tableFromIPC(parquetWasm().readSchema(empty).intoIPCStream()).schema;
}

function chooseColumns(schema: Schema, columns: readonly string[], where: Where): Schema {
  const names = schema.fields.map(({ name }) => name);
  const missing = columns.find((column) => !names.includes(column));
  if (missing === undefined && columns.length > 0) {
    return new Schema(
      schema.fields.filter(({ name }) => columns.includes(name)),
      schema.metadata,
    );
  }
  throw new AlignflowError({
    what: missing === undefined ? 'no columns are asked for' : `the file has no column "${missing}"`,
    where,
    expected: `some of: ${names.join(', ')}`,
    fix: 'correct `columns`, or leave it out to read them all',
  });
}

function checkRange({ path, start, end }: ColumnChunk, size: number): void {
  if (start >= MAGIC.length && end >= start && end <= size) return;
  throw new Error(`its column ${path.join('.')} lies outside of the file`);
}

async function withFile<T>(path: string, where: Where, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new AlignflowError({
      what: missing ? 'there is no such file' : `the file cannot be opened: ${reasonOf(error)}`,
      where,
      expected: 'a Parquet file',
      cause: error,
    });
  }
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}

async function readRange(handle: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - start);
  await readInto(handle, bytes, start);
  return bytes;
}

async function readInto(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, position + done);
    if (bytesRead === 0) throw new Error('the file ends too early: it was changed while it was read');
    done += bytesRead;
  }
}

/** Runs what decodes bytes of a file; whatever it throws, a trap of the decoder included, names the place. */
async function decoding<T>(where: Where, decode: () => T | Promise<T>): Promise<T> {
  try {
    return await decode();
  } catch (error) {
    throw undecodable(where, error);
  }
}

function undecodable(where: Where, error: unknown): AlignflowError {
  if (error instanceof AlignflowError) return error;
  const reason =
    error instanceof Error && error.name === 'RuntimeError' ? 'its bytes cannot be decoded' : reasonOf(error);
  return new AlignflowError({
    what: `the file is damaged: ${reason}`,
    where,
    expected: 'a whole Parquet file',
    fix: 'fetch or write the file again',
    cause: error,
  });
}

function notParquet(where: Where, reason: string): AlignflowError {
  return new AlignflowError({
    what: `this is not a whole Parquet file: ${reason}`,
    where,
    expected: 'a file that begins and ends with PAR1',
    fix: 'fetch or write the file again',
  });
}

function isMagic(bytes: Uint8Array): boolean {
  return bytes.length === MAGIC.length && MAGIC.every((byte, i) => bytes[i] === byte);
}
