/**
 * Row groups in other places: one of them, or some of its pages, as a small file of its own, so that the decoder never gets more
 * bytes than were asked for; and those of a small file within a larger one.
 */
import { structList, structs } from './fields.js';
import {
  CHUNK,
  type ColumnChunk,
  FILE,
  type Footer,
  footerBytes,
  GROUP,
  MAGIC,
  META,
  withRowGroups,
} from './footer.js';
import { THRIFT, type ThriftField, type ThriftStruct } from './thrift.js';

/** Bytes of a file, from `start` up to `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** What is taken of a column chunk: its dictionary, empty where it has none, and pages that lie one behind the other. */
export interface ChunkPart {
  readonly dictionary: Range;
  readonly pages: Range;
  /** Values in the pages, where they are not all of the chunk. */
  readonly values?: number;
}

/** A small file: the magic bytes, the ranges in order, and the footer. */
export interface Extract {
  readonly ranges: readonly Range[];
  readonly footer: Uint8Array;
  /** Bytes before the footer. */
  readonly bytes: number;
}

/** All of a column chunk. */
export function wholeChunk({ start, data, end }: ColumnChunk): ChunkPart {
  return { dictionary: { start, end: data }, pages: { start: data, end } };
}

/** The one row group of a footer, with `rows` rows of `parts`, one for each of its columns, as a file of its own. */
export function extractRows(footer: Footer, parts: readonly ChunkPart[], rows: number): Extract {
  let at: number = MAGIC.length;
  const group = structs(footer.struct, FILE.rowGroups)[0]!;
  const columns = structs(group, GROUP.columns).map((chunk, column) => {
    const { dictionary, pages, values } = parts[column]!;
    const meta = new Map(chunk.get(CHUNK.metadata)!.value as ThriftStruct);
    const data = at + sizeOf(dictionary);
    if (data > at) meta.set(META.dictionaryPage, i64(at));
    else meta.delete(META.dictionaryPage);
    meta.set(META.dataPage, i64(data));
    at = data + sizeOf(pages);
    meta.set(META.compressed, i64(sizeOf(dictionary) + sizeOf(pages)));
    if (values !== undefined) meta.set(META.values, i64(values));
    for (const field of [META.indexPage, META.bloomFilter]) meta.delete(field);
    const out = new Map(chunk).set(CHUNK.metadata, { type: THRIFT.struct, value: meta }).set(CHUNK.fileOffset, i64(0));
    for (const field of [CHUNK.offsetIndex, CHUNK.columnIndex]) {
      out.delete(field);
      out.delete(field + 1);
    }
    return out;
  });
  const small = new Map(group).set(GROUP.columns, structList(columns)).set(GROUP.rows, i64(rows));
  small.delete(GROUP.fileOffset);
  return {
    ranges: parts.flatMap(({ dictionary, pages }) => [dictionary, pages]),
    footer: footerBytes(withRowGroups(footer.struct, rows, [small])),
    bytes: at,
  };
}

/** The row groups of a file whose body is written `offset` bytes further down another file. */
export function movedRowGroups(footer: Footer, offset: number): readonly ThriftStruct[] {
  return structs(footer.struct, FILE.rowGroups).map((group) => {
    const columns = structs(group, GROUP.columns).map((chunk) => {
      const meta = moved(chunk.get(CHUNK.metadata)?.value as ThriftStruct, offset, [
        META.dataPage,
        META.indexPage,
        META.dictionaryPage,
        META.bloomFilter,
      ]);
      const out = moved(chunk, offset, [CHUNK.fileOffset, CHUNK.offsetIndex, CHUNK.columnIndex]);
      return out.set(CHUNK.metadata, { type: THRIFT.struct, value: meta });
    });
    return moved(new Map(group).set(GROUP.columns, structList(columns)), offset, [GROUP.fileOffset]);
  });
}

function moved(struct: ThriftStruct, by: number, fields: readonly number[]): Map<number, ThriftField> {
  const out = new Map(struct);
  for (const id of fields) {
    const field = out.get(id);
    // Writers put 0 where there is no such thing (fileOffset of the newer ones).
    if (typeof field?.value === 'number' && field.value > 0) out.set(id, i64(field.value + by));
  }
  return out;
}

function i64(value: number): ThriftField {
  return { type: THRIFT.i64, value };
}

/** Its bytes. */
export function sizeOf({ start, end }: Range): number {
  return end - start;
}
