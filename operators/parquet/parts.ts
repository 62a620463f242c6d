/** How a large row group is read in parts, so that no more than one of them is decoded at a time. */
import type { ChunkPart } from './extract.js';
import type { ChunkPages, Page } from './pages.js';

/**
 * Rows after which each part ends. A part has whole batches of `batchSize` rows, or fewer rows than one, and as many of them as
 * have at most `partBytes` together, at least one row.
 *
 * @param bytesBefore bytes of all rows before one, which grow with it
 */
export function partEnds(
  rows: number,
  batchSize: number,
  partBytes: number,
  bytesBefore: (row: number) => number,
): readonly number[] {
  const ends: number[] = [];
  for (let start = 0; start < rows; start = ends.at(-1)!) {
    const fits = (end: number) => bytesBefore(end) - bytesBefore(start) <= partBytes;
    let most = start + 1;
    // The last row at which the part still fits lies in [most, beyond).
    for (let beyond = rows + 1; beyond - most > 1; ) {
      const middle = Math.floor((most + beyond) / 2);
      if (fits(middle)) most = middle;
      else beyond = middle;
    }
    const batches = Math.floor((most - start) / batchSize) * batchSize;
    ends.push(most === rows || batches === 0 ? most : start + batches);
  }
  return ends;
}

/** Bytes of the rows before one, by the pages of a chunk: within a page all rows count alike. */
export function bytesOfPages({ pages }: ChunkPages): (row: number) => number {
  const before: number[] = [];
  let sum = 0;
  for (const page of pages) {
    before.push(sum);
    sum += page.bytes;
  }
  return (row) => {
    const at = pageOf(pages, row);
    const page = pages[at];
    if (page === undefined) return 0;
    return before[at]! + page.bytes * Math.min(1, (row - page.firstRow) / Math.max(1, page.rows));
  };
}

/**
 * The pages that hold the rows from `start` up to `end`, with the dictionary if one of them needs it, and the first row and the
 * number of rows in them.
 */
export function pagesOfRows(
  { dictionary, pages }: ChunkPages,
  start: number,
  end: number,
): { readonly part: ChunkPart; readonly firstRow: number; readonly rows: number } {
  const held = pages.slice(pageOf(pages, start), pageOf(pages, end - 1) + 1);
  const first = held[0]!;
  const last = held.at(-1)!;
  const needed = held.some(({ refers }) => refers) ? dictionary : { start: dictionary.start, end: dictionary.start };
  const rows = last.firstRow + last.rows - first.firstRow;
  return {
    part: { dictionary: needed, pages: { start: first.start, end: last.end }, values: rows },
    firstRow: first.firstRow,
    rows,
  };
}

/** Index of the last page that begins at a row or before it. */
function pageOf(pages: readonly Page[], row: number): number {
  let low = 0;
  for (let high = pages.length; high - low > 1; ) {
    const middle = (low + high) >> 1;
    if (pages[middle]!.firstRow <= row) low = middle;
    else high = middle;
  }
  return low;
}
