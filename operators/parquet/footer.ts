/**
 * The footer of a Parquet file: which row groups there are, where their columns lie, and how one row group becomes a
 * small file of its own, so that the decoder never gets more bytes than were asked for, and back again.
 *
 * Field numbers are those of parquet-format's parquet.thrift (FileMetaData, RowGroup, ColumnChunk, ColumnMetaData).
 */
import { readThrift, THRIFT, type ThriftField, type ThriftList, type ThriftStruct, writeThrift } from './thrift.js';

/** Bytes that each Parquet file begins and ends with. */
export const MAGIC = new TextEncoder().encode('PAR1');

/** Bytes behind a footer: its length and the magic bytes. */
export const TAIL = 8;

const decoder = new TextDecoder();

const FILE = { schema: 2, rows: 3, rowGroups: 4, keyValues: 5, columnOrders: 7 };
const ELEMENT = { name: 4, children: 5 };
const KEY_VALUE = { key: 1, value: 2 };
const GROUP = { columns: 1, rows: 3, sorting: 4, fileOffset: 5 };
const CHUNK = { filePath: 1, fileOffset: 2, metadata: 3, offsetIndex: 4, columnIndex: 6 };
const META = { path: 3, compressed: 7, dataPage: 9, indexPage: 10, dictionaryPage: 11, bloomFilter: 14 };

/** Where the bytes of one column of one row group lie in the file. */
export interface ColumnChunk {
  /** Names from the root to the leaf: `['tokens', 'list', 'element']`. */
  readonly path: readonly string[];
  readonly start: number;
  readonly end: number;
}

/** One row group. */
export interface RowGroup {
  readonly rows: number;
  /** In the order of the schema's leaves. */
  readonly columns: readonly ColumnChunk[];
}

/** A footer, with its struct for writing another from it. */
export interface Footer {
  readonly rows: number;
  readonly rowGroups: readonly RowGroup[];
  readonly struct: ThriftStruct;
}

/** Reads a footer from its bytes (without the length and the magic bytes behind them). Throws an `Error` for other bytes. */
export function parseFooter(bytes: Uint8Array): Footer {
  const struct = readThrift(bytes);
  return { rows: number(struct, FILE.rows), rowGroups: structs(struct, FILE.rowGroups).map(rowGroup), struct };
}

/** The end of a file: the footer, its length, the magic bytes. */
export function footerBytes(struct: ThriftStruct): Uint8Array {
  const body = writeThrift(struct);
  const out = new Uint8Array(body.length + TAIL);
  out.set(body);
  new DataView(out.buffer).setUint32(body.length, body.length, true);
  out.set(MAGIC, body.length + 4);
  return out;
}

/**
 * The footer of the same file with only some columns of its root. `arrowSchema` is what they are in Arrow: an encapsulated
 * IPC schema message, which writers of Arrow put beside Parquet's own schema.
 */
export function projectFooter({ struct, rows }: Footer, columns: ReadonlySet<string>, arrowSchema: Uint8Array): Footer {
  const [root, ...elements] = structs(struct, FILE.schema);
  if (root === undefined) throw new Error('it has no schema');
  const kept: ThriftStruct[] = [];
  let roots = 0;
  for (let at = 0; at < elements.length; ) {
    const end = subtreeEnd(elements, at);
    if (columns.has(text(elements[at]!, ELEMENT.name))) {
      kept.push(...elements.slice(at, end));
      roots++;
    }
    at = end;
  }
  const groups = structs(struct, FILE.rowGroups).map((group) => {
    const chunks = structs(group, GROUP.columns).filter((chunk) => columns.has(columnChunk(chunk).path[0] ?? ''));
    const out = new Map(group).set(GROUP.columns, structList(chunks));
    out.delete(GROUP.sorting);
    return out;
  });
  const newRoot = new Map(root).set(ELEMENT.children, { type: THRIFT.i32, value: roots });
  const out = new Map(withRowGroups(struct, rows, groups)).set(FILE.schema, structList([newRoot, ...kept]));
  out.delete(FILE.columnOrders);
  if (struct.has(FILE.keyValues)) {
    const value = { type: THRIFT.binary, value: Buffer.from(Buffer.from(arrowSchema).toString('base64')) };
    const pairs = structs(struct, FILE.keyValues).map((pair) =>
      text(pair, KEY_VALUE.key) === 'ARROW:schema' ? new Map(pair).set(KEY_VALUE.value, value) : pair,
    );
    out.set(FILE.keyValues, structList(pairs));
  }
  return { rows, rowGroups: groups.map(rowGroup), struct: out };
}

/** Row group `index` as a file of its own: its columns one behind the other, and nothing else. */
export function extractRowGroup(footer: Footer, index: number): Extract {
  const group = footer.rowGroups[index];
  if (group === undefined) throw new Error(`it has no row group ${index}`);
  let at: number = MAGIC.length;
  const shifts = group.columns.map(({ start, end }) => {
    const shift = at - start;
    at += end - start;
    return shift;
  });
  const moved = moveGroup(structs(footer.struct, FILE.rowGroups)[index]!, (column) => shifts[column]!);
  const struct = withRowGroups(footer.struct, group.rows, [moved]);
  return { parts: group.columns, footer: footerBytes(struct), bytes: at };
}

/** What `extractRowGroup` makes: the small file is the magic bytes, the parts in order, and the footer. */
export interface Extract {
  readonly parts: readonly ColumnChunk[];
  readonly footer: Uint8Array;
  /** Bytes before the footer. */
  readonly bytes: number;
}

/** The row groups of a file whose body is written `offset` bytes further down another file. */
export function movedRowGroups(footer: Footer, offset: number): readonly ThriftStruct[] {
  return structs(footer.struct, FILE.rowGroups).map((group) => moveGroup(group, () => offset, true));
}

/** The footer `struct` with other row groups. */
export function withRowGroups(struct: ThriftStruct, rows: number, groups: readonly ThriftStruct[]): ThriftStruct {
  return new Map([...struct, [FILE.rows, { type: THRIFT.i64, value: rows }], [FILE.rowGroups, structList(groups)]]);
}

/** Where the element behind one of the flattened schema is, and all that is nested in it. */
function subtreeEnd(elements: readonly ThriftStruct[], at: number): number {
  const element = elements[at];
  if (element === undefined) throw new Error('its schema ends too early');
  let end = at + 1;
  const children = element.has(ELEMENT.children) ? number(element, ELEMENT.children) : 0;
  for (let i = 0; i < children; i++) end = subtreeEnd(elements, end);
  return end;
}

function rowGroup(struct: ThriftStruct): RowGroup {
  return { rows: number(struct, GROUP.rows), columns: structs(struct, GROUP.columns).map(columnChunk) };
}

function columnChunk(chunk: ThriftStruct): ColumnChunk {
  if (chunk.has(CHUNK.filePath)) throw new Error('its columns lie in other files, which is not supported');
  const meta = chunk.get(CHUNK.metadata)?.value;
  if (!(meta instanceof Map)) throw new Error('its columns are encrypted, or their metadata is missing');
  const dictionary = meta.has(META.dictionaryPage) ? number(meta, META.dictionaryPage) : 0;
  const data = number(meta, META.dataPage);
  const start = dictionary > 0 && dictionary < data ? dictionary : data;
  const path = list(meta, META.path).values.map((name) => decoder.decode(name as Uint8Array));
  return { path, start, end: start + number(meta, META.compressed) };
}

/** A row group with the offsets of each column moved. Page indexes and Bloom filters go along only with `indexes`. */
function moveGroup(group: ThriftStruct, shift: (column: number) => number, indexes = false): ThriftStruct {
  const columns = structs(group, GROUP.columns).map((chunk, i) => {
    const by = shift(i);
    const meta = moved(chunk.get(CHUNK.metadata)?.value as ThriftStruct, by, [
      META.dataPage,
      META.indexPage,
      META.dictionaryPage,
      META.bloomFilter,
    ]);
    const out = new Map(moved(chunk, by, [CHUNK.fileOffset, CHUNK.offsetIndex, CHUNK.columnIndex]));
    if (!indexes) {
      meta.delete(META.bloomFilter);
      for (const field of [CHUNK.offsetIndex, CHUNK.columnIndex]) {
        out.delete(field);
        out.delete(field + 1);
      }
    }
    return out.set(CHUNK.metadata, { type: THRIFT.struct, value: meta });
  });
  const out = new Map(group).set(GROUP.columns, structList(columns));
  return moved(out, columns.length === 0 ? 0 : shift(0), [GROUP.fileOffset]);
}

function moved(struct: ThriftStruct, by: number, fields: readonly number[]): Map<number, ThriftField> {
  const out = new Map(struct);
  for (const id of fields) {
    const field = out.get(id);
    // Writers put 0 where there is no such thing (fileOffset of the newer ones).
    if (typeof field?.value === 'number' && field.value > 0) out.set(id, { type: field.type, value: field.value + by });
  }
  return out;
}

function structList(values: readonly ThriftStruct[]): ThriftField {
  return { type: THRIFT.list, value: { element: THRIFT.struct, values } };
}

function text(struct: ThriftStruct, id: number): string {
  const value = struct.get(id)?.value;
  if (!(value instanceof Uint8Array)) throw new Error(`field ${id} of its metadata is missing or wrong`);
  return decoder.decode(value);
}

function number(struct: ThriftStruct, id: number): number {
  const value = struct.get(id)?.value;
  if (typeof value !== 'number' || value < 0) throw new Error(`field ${id} of its metadata is missing or wrong`);
  return value;
}

function list(struct: ThriftStruct, id: number): ThriftList {
  const value = struct.get(id)?.value;
  if (typeof value !== 'object' || !('values' in value) || !('element' in value)) {
    throw new Error(`field ${id} of its metadata is missing or wrong`);
  }
  return value;
}

function structs(struct: ThriftStruct, id: number): readonly ThriftStruct[] {
  const { element, values } = list(struct, id);
  if (element !== THRIFT.struct) throw new Error(`field ${id} of its metadata is wrong`);
  return values as readonly ThriftStruct[];
}
