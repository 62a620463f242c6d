import type { FileHandle } from 'node:fs/promises';
import { type RecordBatch, tableFromIPC } from 'apache-arrow';
import type { Table } from 'parquet-wasm';
import type { Where } from '../../pipeline/errors.js';
import { type Extract, extractRows, sizeOf, wholeChunk } from './extract.js';
import type { ParquetFile } from './file.js';
import { decoding, openFile, readInto, readRange } from './file-bytes.js';
import { type ColumnChunk, MAGIC } from './footer.js';
import { bytesOfPages, pagesOfRows, partEnds } from './parts.js';
import { mergePieces, type Piece, piecesOf, wholePiece } from './pieces.js';
import { parquetWasm } from './wasm.js';

/** How a row group is read. */
export interface RowGroupOptions {
  /** Most rows in a batch. */
  readonly batchSize: number;
  /** Bytes of rows, without compression, above which a row group is read in parts. */
  readonly partBytes?: number;
  /** Told of the bytes that are decoded at once at the least, where they are more than twice `partBytes`. */
  readonly tellLarge?: (bytes: number) => void;
}

const PART_BYTES = 32 * 2 ** 20;

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
  { batchSize, partBytes = PART_BYTES, tellLarge }: RowGroupOptions,
): AsyncGenerator<RecordBatch, void, undefined> {
  const where = { file: file.name, rowGroup };
  const { rows, columns } = file.footer.rowGroups[rowGroup]!;
  const handle = await openFile(file.path, where);
  try {
    if (bytesOf(columns) <= partBytes) {
      yield* readPart(handle, [wholePiece(file, rowGroup)], { start: 0, end: rows, batchSize, where });
      return;
    }
    const read = (start: number, end: number) => readRange(handle, start, end);
    const pieces = await decoding(where, () => piecesOf(file, rowGroup, read));
    const atOnce = pieces.reduce((sum, piece) => sum + indivisibleBytes(piece), 0);
    if (atOnce > 2 * partBytes) tellLarge?.(atOnce);
    const sizes = pieces.map((piece) => bytesBefore(piece, rows));
    const before = (row: number) => sizes.reduce((sum, size) => sum + size(row), 0);
    const most = Math.max(partBytes, Math.max(...pieces.map(largestRead)) / REREADS);
    let start = 0;
    for (const end of partEnds(rows, batchSize, most, before)) {
      yield* readPart(handle, pieces, { start, end, batchSize, where });
      start = end;
    }
  } finally {
    await handle.close();
  }
}

function bytesBefore({ chunks, pages }: Piece, rows: number): (row: number) => number {
  if (pages !== undefined) return bytesOfPages(pages);
  const bytes = bytesOf(chunks);
  return (row) => (bytes * row) / rows;
}

/** Bytes on disk that are read at once, at the least: a page, or all of a piece that is not divided. */
function largestRead({ chunks, pages }: Piece): number {
  const sizes = pages === undefined ? [chunks.reduce((sum, chunk) => sum + sizeOf(chunk), 0)] : pages.pages.map(sizeOf);
  return sizes.reduce((most, size) => Math.max(most, size), 0);
}

/** Bytes of its largest page with its dictionary, or of all of a piece that is not divided. */
function indivisibleBytes({ chunks, pages }: Piece): number {
  if (pages === undefined) return bytesOf(chunks);
  const largest = pages.pages.reduce((most, { bytes }) => Math.max(most, bytes), 0);
  return largest + (pages.pages.some(({ refers }) => refers) ? sizeOf(pages.dictionary) : 0);
}

function bytesOf(chunks: readonly ColumnChunk[]): number {
  return chunks.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Rows of a row group that are decoded at a time. */
interface Part {
  readonly start: number;
  readonly end: number;
  readonly batchSize: number;
  readonly where: Where;
}

async function* readPart(handle: FileHandle, pieces: readonly Piece[], part: Part): AsyncGenerator<RecordBatch> {
  const { start, end, where } = part;
  const tables: Table[] = [];
  try {
    for (const piece of pieces) {
      tables.push(await decoding(where, () => decodePiece(handle, piece, part)));
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
async function decodePiece(handle: FileHandle, piece: Piece, { start, end, batchSize }: Part): Promise<Table> {
  if (piece.pages === undefined) {
    const extract = extractRows(piece.footer, piece.chunks.map(wholeChunk), piece.rows);
    const window = end - start === piece.rows ? {} : { offset: start, limit: end - start };
    return parquetWasm().readParquet(await readExtract(handle, extract), { batchSize, ...window });
  }
  const { part, firstRow, rows } = pagesOfRows(piece.pages, start, end);
  const bytes = await readExtract(handle, extractRows(piece.footer, [part], rows));
  return parquetWasm().readParquet(bytes, { batchSize, offset: start - firstRow, limit: end - start });
}

/** The bytes of a small file. */
async function readExtract(handle: FileHandle, { ranges, footer, bytes }: Extract): Promise<Uint8Array> {
  const small = new Uint8Array(bytes + footer.length);
  small.set(MAGIC);
  let at = MAGIC.length;
  for (const { start, end } of ranges) {
    await readInto(handle, small.subarray(at, at + end - start), start);
    at += end - start;
  }
  small.set(footer, bytes);
  return small;
}
