/**
 * The pages of a column chunk, found by their headers alone: which rows each of them holds, and about how many bytes these take
 * when they are decoded. Rows are values: in a column with lists, where a row has any number of them, only the sizes of the pages are right.
 *
 * Field numbers are those of parquet-format's parquet.thrift (PageHeader, DataPageHeader, DictionaryPageHeader,
 * DataPageHeaderV2).
 */
import type { Range } from './extract.js';
import { number, struct } from './fields.js';
import type { ColumnChunk } from './footer.js';
import { readThriftStart, ThriftEnd, type ThriftStruct } from './thrift.js';

const PAGE = { type: 1, uncompressed: 2, compressed: 3, data: 5, dictionary: 7, dataV2: 8 };
const TYPE = { data: 0, index: 1, dictionary: 2, dataV2: 3 };
const VALUES = 1;
/** Encodings that refer to the dictionary: PLAIN_DICTIONARY and RLE_DICTIONARY. */
const OF_DICTIONARY: readonly number[] = [2, 8];

/** Bytes that are read to find a header, and the most that one may take: it holds the least and the greatest value of its page. */
const WINDOW = 16 * 1024;
const LONGEST_HEADER = 16 * 2 ** 20;

/** A page and its header. */
export interface Page extends Range {
  readonly firstRow: number;
  readonly rows: number;
  /** Bytes of its values, about. */
  readonly bytes: number;
  /** Bytes that decoding it takes apart: its own, and those of the dictionary that it refers to. */
  readonly decoded: number;
  /** Whether its values refer to the dictionary: writers give it up for later pages when it grows too large. */
  readonly refers: boolean;
}

/** The pages of a chunk, in order. */
export interface ChunkPages {
  /** Empty where there is none. */
  readonly dictionary: Range;
  readonly pages: readonly Page[];
}

/** Reads bytes of the file. */
export type ReadRange = (start: number, end: number) => Promise<Uint8Array>;

/**
 * Finds the pages of a chunk. Throws an `Error` for bytes that are none, or when they hold other than all `rows`. In a column with lists
 * these say nothing, and are left out; the footer's count of values is no measure, as decoders do without it and some writers count otherwise.
 */
export async function readPages(read: ReadRange, chunk: ColumnChunk, rows?: number): Promise<ChunkPages> {
  const header = headersOf(read, chunk.end);
  const pages: Page[] = [];
  let dictionary: Range = { start: chunk.start, end: chunk.start };
  let entries = { bytes: 0, each: 0 };
  let firstRow = 0;
  for (let at = chunk.start; at < chunk.end; ) {
    const { struct: fields, length } = await header(at);
    const end = at + length + number(fields, PAGE.compressed);
    if (end > chunk.end) throw new Error('one of its pages is longer than its column');
    const type = number(fields, PAGE.type);
    const size = number(fields, PAGE.uncompressed);
    if (type === TYPE.dictionary) {
      if (pages.length > 0) throw new Error('it has a dictionary behind its first page');
      dictionary = { start: at, end };
      entries = dictionaryOf(fields);
    } else if (type === TYPE.data || type === TYPE.dataV2) {
      const { values, encoding } = dataHeader(fields, type);
      const refers = OF_DICTIONARY.includes(encoding);
      const bytes = refers ? Math.max(size, values * entries.each) : size;
      const decoded = refers ? size + entries.bytes : size;
      if (values > 0) pages.push({ start: at, end, firstRow, rows: values, bytes, decoded, refers });
      firstRow += values;
      if (rows !== undefined && firstRow > rows) break;
    } else if (type !== TYPE.index) throw new Error(`it has a page of the unknown type ${type}`);
    at = end;
  }
  if (rows !== undefined && firstRow !== rows)
    throw new Error(`the pages of ${chunk.path.join('.')} have ${firstRow} rows, not ${rows}`);
  return { dictionary, pages };
}

/**
 * About how many bytes the values of a chunk take when they are decoded: a dictionary may stand for many times its bytes. Reads one
 * header at most.
 */
export async function bytesOfValues(read: ReadRange, chunk: ColumnChunk): Promise<number> {
  const { start, data, end, bytes, values, width } = chunk;
  if (width !== undefined) return Math.max(bytes, values * width);
  if (data === start) return bytes;
  const { struct: fields } = await headersOf(read, end)(start);
  if (number(fields, PAGE.type) !== TYPE.dictionary) return bytes;
  return Math.max(bytes, values * dictionaryOf(fields).each);
}

/** The bytes of a dictionary, and of each of its entries. */
function dictionaryOf(header: ThriftStruct): { readonly bytes: number; readonly each: number } {
  const bytes = number(header, PAGE.uncompressed);
  return { bytes, each: bytes / Math.max(1, number(struct(header, PAGE.dictionary), VALUES)) };
}

function dataHeader(fields: ThriftStruct, type: number): { readonly values: number; readonly encoding: number } {
  const second = type === TYPE.dataV2;
  const header = struct(fields, second ? PAGE.dataV2 : PAGE.data);
  return { values: number(header, VALUES), encoding: number(header, second ? 4 : 2) };
}

/** Reads headers one behind the other; those that lie close together come from the same bytes. */
function headersOf(read: ReadRange, end: number): (at: number) => Promise<ReturnType<typeof readThriftStart>> {
  let window = new Uint8Array();
  let from = 0;
  return async (at) => {
    for (let size = 0; ; size = size === 0 ? WINDOW : size * 2) {
      if (size > 0) {
        from = at;
        window = (await read(at, Math.min(end, at + size))) as Uint8Array<ArrayBuffer>;
      }
      if (at < from || at >= from + window.length) continue;
      try {
        return readThriftStart(window.subarray(at - from));
      } catch (error) {
        const whole = from + window.length >= end;
        if (!(error instanceof ThriftEnd) || (whole && size > 0) || size > LONGEST_HEADER) throw error;
      }
    }
  };
}
