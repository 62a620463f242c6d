/** A row group in pieces that can be read apart, each from its own pages, and how their batches become one again. */
import { Data, type DataType, Field, type RecordBatch, Schema, Struct } from 'apache-arrow';
import { batchFrom } from '../../pipeline/batch/select.js';
import { type ParquetFile, schemaMessage } from './file.js';
import { type ColumnChunk, type Footer, projectFooter, repeatedColumns, singleGroup } from './footer.js';
import { type ChunkPages, type ReadRange, readPages } from './pages.js';

/** Columns of one row group that are decoded together. */
export interface Piece {
  /** Path of its values, from the root: a column, or a field of one. Empty for all columns. */
  readonly path: readonly string[];
  readonly schema: Schema;
  /** Has one row group, with the chunks of this piece alone. */
  readonly footer: Footer;
  readonly chunks: readonly ColumnChunk[];
  readonly rows: number;
  /** Bytes of its values, about. */
  readonly bytes: number;
  /** Bytes, without compression, of its largest page and the dictionary that it refers to. */
  readonly decoded: number;
  /** Of its one chunk; undefined where a row has no fixed number of values, so that pages do not tell the rows. */
  readonly pages?: ChunkPages;
}

/** All columns of a row group as one piece, whose values have so many bytes. */
export function wholePiece({ footer, schema }: ParquetFile, rowGroup: number, bytes: number): Piece {
  const { rows, columns } = footer.rowGroups[rowGroup]!;
  const decoded = columns.reduce((sum, chunk) => sum + chunk.bytes, 0);
  return { path: [], schema, footer: singleGroup(footer, rowGroup), chunks: columns, rows, bytes, decoded };
}

/** A row group by its columns, and by the fields of nested ones. Columns with lists, whose pages do not tell the rows, stay whole. */
export async function piecesOf(
  file: ParquetFile,
  rowGroup: number,
  bytes: number,
  read: ReadRange,
): Promise<readonly Piece[]> {
  const { columns, rows } = file.footer.rowGroups[rowGroup]!;
  const names = file.schema.fields.map(({ name }) => name);
  // Two columns of one name cannot be told apart.
  if (new Set(names).size < names.length) return [wholePiece(file, rowGroup, bytes)];
  const group = singleGroup(file.footer, rowGroup);
  const repeated = repeatedColumns(group);
  const paths = new Map<string, readonly string[]>();
  for (const { path } of columns) {
    const field = file.schema.fields.find(({ name }) => name === path[0])!;
    const whole = repeated.has(path[0]!) || !isNestedIn(field, path);
    const piece = whole ? path.slice(0, 1) : path;
    paths.set(JSON.stringify(piece), piece);
  }
  const pieces: Piece[] = [];
  for (const path of paths.values()) {
    const isIn = (leaf: readonly string[]) => path.every((name, i) => leaf[i] === name);
    const chunks = columns.filter((chunk) => isIn(chunk.path));
    const field = file.schema.fields.find(({ name }) => name === path[0])!;
    const schema = new Schema([pruned(field, path)], file.schema.metadata);
    const footer = projectFooter(group, isIn, schemaMessage(schema));
    const divided = chunks.length === 1 && !repeated.has(path[0]!);
    const found: ChunkPages[] = [];
    for (const chunk of chunks) found.push(await readPages(read, chunk, divided ? rows : undefined));
    const pages = found.flatMap((one) => one.pages);
    const own = pages.reduce((sum, page) => sum + page.bytes, 0);
    const decoded = pages.reduce((most, page) => Math.max(most, page.decoded), 0);
    pieces.push({ path, schema, footer, chunks, rows, bytes: own, decoded, ...(divided ? { pages: found[0]! } : {}) });
  }
  return pieces;
}

/** The rows of all pieces in one batch, its columns as the file has them. */
export function mergePieces(pieces: readonly Piece[], batches: readonly RecordBatch[]): RecordBatch {
  const [first] = batches;
  if (first === undefined || batches.length === 1) return first!;
  const found = pieces.map(({ path }, i) => ({ path, data: batches[i]!.data.children[0]! }));
  const columns = new Map<string, Found[]>();
  for (const one of found) columns.set(one.path[0]!, [...(columns.get(one.path[0]!) ?? []), one]);
  const merged = [...columns].map(([name, parts]) => ({ name, data: merge(parts, 1) }));
  const fields = merged.map(({ name, data }) => new Field(name, data.type, true));
  return batchFrom(
    new Schema(fields),
    merged.map(({ data }) => data),
    first.numRows,
  );
}

/** A column as one piece has it: of a struct, only the fields on the path. */
interface Found {
  readonly path: readonly string[];
  readonly data: Data;
}

/** A column whose fields come from several pieces: structs alike, but for the fields that each has. */
function merge(parts: readonly Found[], depth: number): Data {
  const [{ data }] = parts as [Found];
  if (parts.length === 1) return data;
  const children = new Map<string, Found[]>();
  for (const part of parts) {
    const name = part.path[depth]!;
    children.set(name, [...(children.get(name) ?? []), { path: part.path, data: part.data.children[0]! }]);
  }
  const merged = [...children].map(([name, found]) => ({ name, data: merge(found, depth + 1) }));
  const type = new Struct(merged.map(({ name, data: child }) => new Field(name, child.type, true)));
  const buffers = [undefined, undefined, data.nullBitmap, undefined] as never;
  return new Data<DataType>(
    type,
    data.offset,
    data.length,
    data.nullCount,
    buffers,
    merged.map((child) => child.data),
  );
}

/** Whether the path leads through structs alone. */
function isNestedIn(field: Field, [, ...path]: readonly string[]): boolean {
  let type: DataType = field.type;
  for (const name of path) {
    const child = type instanceof Struct ? type.children.find((one) => one.name === name) : undefined;
    if (child === undefined) return false;
    type = child.type;
  }
  return true;
}

/** A field with nothing but what lies on the path. */
function pruned(field: Field, [, ...path]: readonly string[]): Field {
  if (path.length === 0) return field;
  const child = (field.type as Struct).children.find(({ name }) => name === path[0])!;
  return new Field(field.name, new Struct([pruned(child, path)]), field.nullable, field.metadata);
}
