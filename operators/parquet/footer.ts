/**
 * The footer of a Parquet file: which row groups there are, where their columns lie, and the same for some of the columns.
 *
 * Field numbers are those of parquet-format's parquet.thrift (FileMetaData, SchemaElement, RowGroup, ColumnChunk,
 * ColumnMetaData).
 */
import { number, structList, structs, text, texts } from './fields.js';
import { readThrift, THRIFT, type ThriftStruct, writeThrift } from './thrift.js';

/** Bytes that each Parquet file begins and ends with. */
export const MAGIC = new TextEncoder().encode('PAR1');

/** Bytes behind a footer: its length and the magic bytes. */
export const TAIL = 8;

export const FILE = { schema: 2, rows: 3, rowGroups: 4, keyValues: 5, columnOrders: 7 };
const ELEMENT = { repetition: 3, name: 4, children: 5 };
const REPEATED = 2;
/** Bytes of BOOLEAN (about), INT32, INT64, INT96, FLOAT and DOUBLE. */
const WIDTHS = [1, 4, 8, 12, 4, 8];
const KEY_VALUE = { key: 1, value: 2 };
export const GROUP = { columns: 1, rows: 3, sorting: 4, fileOffset: 5 };
export const CHUNK = { filePath: 1, fileOffset: 2, metadata: 3, offsetIndex: 4, columnIndex: 6 };
export const META = {
  type: 1,
  path: 3,
  values: 5,
  uncompressed: 6,
  compressed: 7,
  dataPage: 9,
  indexPage: 10,
  dictionaryPage: 11,
  bloomFilter: 14,
};

/** Where the bytes of one column of one row group lie in the file. */
export interface ColumnChunk {
  /** Names from the root to the leaf: `['tokens', 'list', 'element']`. */
  readonly path: readonly string[];
  readonly start: number;
  /** Where its dictionary ends, if it has one. */
  readonly data: number;
  readonly end: number;
  /** Bytes of its pages when they are not compressed. */
  readonly bytes: number;
  /** Nulls count too. */
  readonly values: number;
  /** Bytes of a value; undefined for texts and binaries, which may have any number of them. */
  readonly width: number | undefined;
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
 * The footer of the same file with only those columns whose path is to be kept. `arrowSchema` is what they are in Arrow: an
 * encapsulated IPC schema message, which writers of Arrow put beside Parquet's own schema.
 */
export function projectFooter({ struct, rows }: Footer, keep: Keep, arrowSchema: Uint8Array): Footer {
  const groups = structs(struct, FILE.rowGroups).map((group) => {
    const chunks = structs(group, GROUP.columns).filter((chunk) => keep(columnChunk(chunk).path));
    const out = new Map(group).set(GROUP.columns, structList(chunks));
    out.delete(GROUP.sorting);
    return out;
  });
  const { kept } = projectElement(structs(struct, FILE.schema), 0, [], keep);
  const out = new Map(withRowGroups(struct, rows, groups)).set(FILE.schema, structList(kept));
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

/** The same footer with one row group of its own. */
export function singleGroup({ struct, rowGroups }: Footer, index: number): Footer {
  const group = rowGroups[index];
  if (group === undefined) throw new Error(`it has no row group ${index}`);
  const single = withRowGroups(struct, group.rows, [structs(struct, FILE.rowGroups)[index]!]);
  return { rows: group.rows, rowGroups: [group], struct: single };
}

/** Says of the path of a leaf whether it stays. */
type Keep = (path: readonly string[]) => boolean;

/**
 * An element of the flattened schema and all that is nested in it, as far as it stays; and where the next one is. The root's
 * name is in no path.
 */
function projectElement(
  elements: readonly ThriftStruct[],
  at: number,
  path: readonly string[],
  keep: Keep,
): { readonly kept: readonly ThriftStruct[]; readonly end: number } {
  const element = elements[at];
  if (element === undefined) throw new Error('its schema ends too early');
  const children = childrenOf(element);
  if (at > 0 && children === 0) return { kept: keep(path) ? [element] : [], end: at + 1 };
  const kept: ThriftStruct[] = [];
  let roots = 0;
  let end = at + 1;
  for (let i = 0; i < children; i++) {
    const name = text(elements[end] ?? new Map(), ELEMENT.name);
    const child = projectElement(elements, end, [...path, name], keep);
    if (child.kept.length > 0) roots++;
    kept.push(...child.kept);
    end = child.end;
  }
  if (at > 0 && roots === 0) return { kept: [], end };
  return { kept: [new Map(element).set(ELEMENT.children, { type: THRIFT.i32, value: roots }), ...kept], end };
}

/** Names of the columns, at the root, that hold lists somewhere: a row may have any number of their values. */
export function repeatedColumns({ struct }: Footer): ReadonlySet<string> {
  const elements = structs(struct, FILE.schema);
  const repeated = new Set<string>();
  for (let at = 1; at < elements.length; ) {
    const name = text(elements[at]!, ELEMENT.name);
    for (let open = 1; open > 0; at++) {
      const element = elements[at];
      if (element === undefined) throw new Error('its schema ends too early');
      open += childrenOf(element) - 1;
      if (element.get(ELEMENT.repetition)?.value === REPEATED) repeated.add(name);
    }
  }
  return repeated;
}

function childrenOf(element: ThriftStruct): number {
  return element.has(ELEMENT.children) ? number(element, ELEMENT.children) : 0;
}

/** The footer `struct` with other row groups. */
export function withRowGroups(struct: ThriftStruct, rows: number, groups: readonly ThriftStruct[]): ThriftStruct {
  return new Map([...struct, [FILE.rows, { type: THRIFT.i64, value: rows }], [FILE.rowGroups, structList(groups)]]);
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
  const path = texts(meta, META.path);
  const width = WIDTHS[number(meta, META.type)];
  const end = start + number(meta, META.compressed);
  return { path, start, data, end, bytes: number(meta, META.uncompressed), values: number(meta, META.values), width };
}
