import { type Embeddings, scoreBlocks } from './embeddings.js';
import type { RowProduct } from './row-product.js';

/** For each query its partners, sorted and without doubles, as one array with offsets. */
export interface PartnerLists {
  /** [queries + 1]: the partners of query `q` are those from `offsets[q]` to before `offsets[q + 1]`. */
  readonly offsets: Int32Array;
  readonly partners: Int32Array;
}

/** How the queries of one direction fare. */
export interface Ranks {
  /** For each query the place of its best partner, from 0; -1 for a query without a partner. */
  readonly ranks: Int32Array;
  /** For each query the row of the other side with the highest score, the earliest of equals; -1 when there is none. */
  readonly first: Int32Array;
}

/**
 * Most scores that are put aside. More, 64 MB, are there only where a model gives nearly everything the same embedding: then the
 * columns are ranked in a pass of their own.
 */
const MOST_UNDECIDED = 8_000_000;

/**
 * Ranks rows among columns and columns among rows, in one product. Scores come in blocks of rows, so a row is ranked when its block
 * is there. A column's best partner may stand in a later block: its score is estimated in double precision first, and a score that
 * the product's rounding could put on either side of it is put aside until all scores are known.
 *
 * @param rowPartners for each row its columns
 * @param columnPartners for each column its rows
 */
export function rankBothWays(
  rows: Embeddings,
  columns: Embeddings,
  dim: number,
  rowPartners: PartnerLists,
  columnPartners: PartnerLists,
  product?: RowProduct,
): { readonly rows: Ranks; readonly columns: Ranks } {
  const seen = rankColumns(rows, columns, dim, columnPartners);
  const ofRows = rankRows(rows, columns, dim, rowPartners, product, seen);
  return { rows: ofRows, columns: seen.ranks() ?? rankRows(columns, rows, dim, columnPartners, product) };
}

/** Ranks rows among columns, and lets `others` see the scores. */
function rankRows(
  rows: Embeddings,
  columns: Embeddings,
  dim: number,
  { offsets, partners }: PartnerLists,
  product: RowProduct | undefined,
  others: ColumnRanks = noColumns(columns.rows),
): Ranks {
  const { quiet } = others;
  const ranks = new Int32Array(rows.rows).fill(-1);
  const first = new Int32Array(rows.rows).fill(columns.rows === 0 ? -1 : 0);
  for (const block of scoreBlocks(rows, columns, dim, product)) {
    for (let i = 0; i < block.rows; i++) {
      const row = block.start + i;
      const scores = block.scores.subarray(i * columns.rows, (i + 1) * columns.rows);
      const own = partners.subarray(offsets[row]!, offsets[row + 1]!);
      // A row without partners has no place: nothing is ahead of it.
      let best = own.length === 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
      for (const column of own) {
        best = Math.max(best, scores[column]!);
        others.pair(column, scores[column]!);
      }
      let ahead = 0;
      let top = Number.NEGATIVE_INFINITY;
      let dull = top;
      for (
        let column = loud(scores, 0, dull, quiet);
        column < scores.length;
        column = loud(scores, column + 1, dull, quiet)
      ) {
        const score = scores[column]!;
        // Not `score >= best`: what cannot be compared counts against us.
        if (!(score < best)) ahead++;
        if (score > top) {
          top = score;
          dull = Math.min(top, best);
          first[row] = column;
        }
        others.see(row, column, score);
      }
      for (const column of own) if (!(scores[column]! < best)) ahead--;
      if (own.length > 0) ranks[row] = ahead;
    }
  }
  return { ranks, first };
}

/** The first column from `from` on whose score matters to its row or to itself; nearly none does. A loop of its own is the fastest. */
function loud(scores: Float32Array, from: number, dull: number, quiet: Float64Array): number {
  let column = from;
  while (column < scores.length && scores[column]! < dull && scores[column]! < quiet[column]!) column++;
  return column;
}

/** Ranks columns from scores as they come, row by row. */
interface ColumnRanks {
  /** For each column the score below which it need not see any. */
  readonly quiet: Float64Array;
  /** The score of a partner; told before the row's scores are seen. */
  pair(column: number, score: number): void;
  see(row: number, column: number, score: number): void;
  /** The ranks after the last row; undefined when too much was put aside. */
  ranks(): Ranks | undefined;
}

/** Columns that nobody asks about. */
function noColumns(count: number): ColumnRanks {
  const quiet = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  return { quiet, pair: () => {}, see: () => {}, ranks: () => undefined };
}

function rankColumns(rows: Embeddings, columns: Embeddings, dim: number, lists: PartnerLists): ColumnRanks {
  const { low, high } = bestBounds(rows, columns, dim, lists);
  const quiet = new Float64Array(columns.rows).fill(Number.NEGATIVE_INFINITY);
  const top = new Float32Array(columns.rows).fill(Number.NEGATIVE_INFINITY);
  const first = new Int32Array(columns.rows).fill(rows.rows === 0 ? -1 : 0);
  const best = new Float32Array(columns.rows).fill(Number.NEGATIVE_INFINITY);
  const ahead = new Int32Array(columns.rows);
  const paired = { columns: [] as number[], scores: [] as number[] };
  const undecided = { columns: [] as number[], scores: [] as number[] };
  return {
    quiet,
    pair(column, score) {
      best[column] = Math.max(best[column]!, score);
      paired.columns.push(column);
      paired.scores.push(score);
    },
    see(row, column, score) {
      if (score > top[column]!) {
        top[column] = score;
        quiet[column] = Math.min(score, low[column]!);
        first[column] = row;
      }
      if (score < low[column]!) return;
      if (score > high[column]!) ahead[column]!++;
      else if (undecided.scores.length <= MOST_UNDECIDED) {
        undecided.columns.push(column);
        undecided.scores.push(score);
      }
    },
    ranks() {
      if (undecided.scores.length > MOST_UNDECIDED) return undefined;
      undecided.columns.forEach((column, i) => {
        if (!(undecided.scores[i]! < best[column]!)) ahead[column]!++;
      });
      // A partner is not ahead of itself.
      paired.columns.forEach((column, i) => {
        if (!(paired.scores[i]! < best[column]!)) ahead[column]!--;
      });
      const has = (column: number) => lists.offsets[column] !== lists.offsets[column + 1];
      return { ranks: ahead.map((count, column) => (has(column) ? count : -1)), first };
    },
  };
}

/**
 * Between which scores the product will find the best partner of each column: the product sums `dim` terms in single precision in any
 * order, which is off by `dim x 2^-24` of the lengths at most (Higham, "Accuracy and Stability of Numerical Algorithms", section 3.1). Columns
 * without a partner take part in nothing.
 */
function bestBounds(rows: Embeddings, columns: Embeddings, dim: number, { offsets, partners }: PartnerLists) {
  const low = new Float64Array(columns.rows).fill(Number.POSITIVE_INFINITY);
  const high = new Float64Array(columns.rows).fill(Number.POSITIVE_INFINITY);
  for (let column = 0; column < columns.rows; column++) {
    const [from, to] = [offsets[column]!, offsets[column + 1]!];
    if (from === to) continue;
    const right = columns.data.subarray(column * dim, (column + 1) * dim);
    let best = Number.NEGATIVE_INFINITY;
    let longest = 0;
    for (let i = from; i < to; i++) {
      const left = rows.data.subarray(partners[i]! * dim, (partners[i]! + 1) * dim);
      best = Math.max(best, dot(left, right));
      longest = Math.max(longest, dot(left, left));
    }
    const off = (dim + 1) * 2 ** -24 * Math.sqrt(longest * dot(right, right));
    low[column] = best - off;
    high[column] = best + off;
  }
  return { low, high };
}

/** Four sums, so that no addition waits for the one before. */
function dot(a: Float32Array, b: Float32Array): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let d = 0;
  for (; d + 3 < a.length; d += 4) {
    s0 += a[d]! * b[d]!;
    s1 += a[d + 1]! * b[d + 1]!;
    s2 += a[d + 2]! * b[d + 2]!;
    s3 += a[d + 3]! * b[d + 3]!;
  }
  for (; d < a.length; d++) s0 += a[d]! * b[d]!;
  return s0 + s1 + s2 + s3;
}
