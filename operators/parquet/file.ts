import { Table as ArrowTable, Schema, tableFromIPC, tableToIPC } from 'apache-arrow';
import { AlignflowError, type Where } from '../../pipeline/errors.js';
import { decoding, openFile, readRange } from './file-bytes.js';
import { type ColumnChunk, type Footer, footerBytes, MAGIC, parseFooter, projectFooter, TAIL } from './footer.js';
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
  const handle = await openFile(path, where);
  try {
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
      // Of no rows there is nothing in the file, whatever the footer says of its place.
      const groups = footer.rowGroups.filter(({ rows }) => rows > 0);
      for (const { columns } of groups) for (const column of columns) checkRange(column, size);
      const schema = schemaOf(footer);
      if (columns === undefined) return { path, name, footer, schema };
      const chosen = chooseColumns(schema, columns, where);
      const kept = projectFooter(footer, ([column]) => columns.includes(column!), schemaMessage(chosen));
      return { path, name, footer: kept, schema: chosen };
    });
  } finally {
    await handle.close();
  }
}

/** The IPC message that writers of Arrow put into a footer. */
export function schemaMessage(schema: Schema): Uint8Array {
  return tableToIPC(new ArrowTable(schema), 'stream');
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

function checkRange({ path, start, data, end }: ColumnChunk, size: number): void {
  if (start >= MAGIC.length && data <= end && end <= size) return;
  throw new Error(`its column ${path.join('.')} lies outside of the file`);
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
