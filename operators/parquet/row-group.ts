import { type RecordBatch, tableFromIPC } from 'apache-arrow';
import type { Table } from 'parquet-wasm';
import type { Where } from '../../pipeline/errors.js';
import { extractRows, sizeOf, wholeChunk } from './extract.js';
import type { ParquetFile } from './file.js';
import { decoding, openFile, readRange } from './file-bytes.js';
import { bytesOfValues } from './pages.js';
import { bytesOfPages, pagesOfRows, partEnds } from './parts.js';
import { mergePieces, type Piece, piecesOf, wholePiece } from './pieces.js';
import { type SmallFiles, smallFilesOf } from './small-file.js';
import { parquetWasm } from './wasm.js';

/** How a row group is read. */
export interface RowGroupOptions {
  /** Most rows in a batch. */
  readonly batchSize: number;
  /** Bytes of rows, without compression, above which a row group is read in parts. */
  readonly partBytes?: number;
  /** Told of the bytes that decoding takes beside what it takes for any part. Reading goes on unless it throws. */
  readonly reserve?: (bytes: number) => void;
}

const PART_BYTES = 16 * 2 ** 20;

/** Row groups of up to so many parts are read whole: those of `sink/parquet` are not much more than one. */
const WHOLE = 1.5;

/** About how often a page is read at most, as it is for each part that has rows of it. */
const REREADS = 4;

/**
 * Reads one row group, as batches of `batchSize` rows: only the bytes of its wanted columns leave the disk. A large one is read
 * in parts of whole pages, so that what is decoded at a time is bounded, however large a row group somebody wrote: its batches
 * are smaller where fewer than `batchSize` rows are a part. Throws an `AlignflowError` for bytes that do not decode.
 */
export async function* readRowGroup(
  file: ParquetFile,
  rowGroup: number,
  { batchSize, partBytes = PART_BYTES, reserve }: RowGroupOptions,
): AsyncGenerator<RecordBatch, void, undefined> {
  const where = { file: file.name, rowGroup };
  const { rows, columns } = file.footer.rowGroups[rowGroup]!;
  const handle = await openFile(file.path, where);
  const small = smallFilesOf(handle);
  try {
    const read = (start: number, end: number) => readRange(handle, start, end);
    const bytes = await decoding(where, () => sumOf(columns, (chunk) => bytesOfValues(read, chunk)));
    if (bytes <= WHOLE * partBytes) {
      yield* readPart(small, [wholePiece(file, rowGroup, bytes)], { start: 0, end: rows, batchSize, where });
      return;
    }
    const pieces = await decoding(where, () => piecesOf(file, rowGroup, bytes, read));
    const beside = largest(pieces.map((piece) => besideParts(readAtOnce(piece), piece.decoded, partBytes)));
    if (beside > 0) reserve?.(beside);
    const sizes = pieces.map(bytesBefore);
    const before = (row: number) => sizes.reduce((sum, size) => sum + size(row), 0);
    const share = Math.max(partBytes, largest(pieces.map(readAtOnce)) / REREADS);
    let start = 0;
    for (const end of partEnds(rows, batchSize, share, before)) {
      const batches = Math.max(1, before(end) - before(start)) / partBytes;
      const fewer = Math.max(1, Math.min(batchSize, Math.ceil((end - start) / batches)));
      yield* readPart(small, pieces, { start, end, batchSize: fewer, where });
      start = end;
    }
  } finally {
    small.end();
    await handle.close();
  }
}

async function sumOf<T>(values: readonly T[], bytesOf: (value: T) => Promise<number>): Promise<number> {
  let sum = 0;
  for (const value of values) sum += await bytesOf(value);
  return sum;
}

function bytesBefore({ bytes, rows, pages }: Piece): (row: number) => number {
  return pages === undefined ? (row) => (bytes * row) / rows : bytesOfPages(pages);
}

/** Bytes on disk that are read at once, at the least: a page with its dictionary, or all of a piece that is not divided. */
function readAtOnce({ chunks, pages }: Piece): number {
  if (pages === undefined) return chunks.reduce((sum, chunk) => sum + sizeOf(chunk), 0);
  const dictionary = sizeOf(pages.dictionary);
  return largest(pages.pages.map((page) => sizeOf(page) + (page.refers ? dictionary : 0)));
}

/**
 * Bytes that decoding takes beside what it takes of parts of small pages. What is read lies in this memory and in the decoder's, what is
 * decoded there as it was, as values, and with the room by which these grew; the last copies are dead before they are collected.
 * Measured, of images as pyarrow writes them with snappy: 25 MB for pages of 30 MB, 490 MB for pages of 102 MB, 594 MB for a
 * dictionary of that size; 299 MB for 184 MB of lists in pages of 1 MB.
 */
function besideParts(read: number, decoded: number, partBytes: number): number {
  return 2 * read + 5 * decoded - 5 * partBytes;
}

function largest(sizes: readonly number[]): number {
  return sizes.reduce((most, size) => Math.max(most, size), 0);
}

/** Rows of a row group that are decoded at a time. */
interface Part {
  readonly start: number;
  readonly end: number;
  readonly batchSize: number;
  readonly where: Where;
}

async function* readPart(small: SmallFiles, pieces: readonly Piece[], part: Part): AsyncGenerator<RecordBatch> {
  const { start, end, where } = part;
  const tables: Table[] = [];
  try {
    for (const piece of pieces) {
      tables.push(await decoding(where, () => decodePiece(small, piece, part)));
    }
    let row = start;
    for (let i = 0; row < end; i++) {
      const batch = await decoding(where, () => {
        const batches = tables.map((table) => batchOf(table, i));
        const rows = batches[0]!.numRows;
        if (batches.some(({ numRows }) => numRows !== rows)) throw new Error('its columns differ in their rows');
        return mergePieces(pieces, batches);
      });
      row += batch.numRows;
      yield batch;
    }
  } finally {
    for (const table of tables) table.free();
  }
}

function batchOf(table: Table, index: number): RecordBatch {
  const batch =
    index < table.numBatches ? tableFromIPC(table.recordBatch(index)!.intoIPCStream()).batches[0] : undefined;
  if (batch === undefined) throw new Error('it has fewer rows than its footer says');
  return batch;
}

/** The rows of a part, decoded; they lie in the decoder's memory. */
async function decodePiece(small: SmallFiles, piece: Piece, { start, end, batchSize }: Part): Promise<Table> {
  if (piece.pages === undefined) {
    const extract = extractRows(piece.footer, piece.chunks.map(wholeChunk), piece.rows);
    const window = end - start === piece.rows ? {} : { offset: start, limit: end - start };
    return parquetWasm().readParquet(await small.read(extract), { batchSize, ...window });
  }
  const { part, firstRow, rows } = pagesOfRows(piece.pages, start, end);
  const bytes = await small.read(extractRows(piece.footer, [part], rows));
  return parquetWasm().readParquet(bytes, { batchSize, offset: start - firstRow, limit: end - start });
}
