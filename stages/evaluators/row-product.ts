/**
 * Scores of query rows against gallery rows: `a` is `[rows, D]`, `b` is `[N, D]`, the answer is `a . b^T`, `[rows, N]`, row-major.
 * The answer is read before the next call, so one buffer may be used again and again.
 * All calls of one evaluation give the same array for `b`, so a tensor backend needs to upload it only once.
 */
export type RowProduct = (a: Float32Array, b: Float32Array, rows: number) => Float32Array;

/** Rows of a left and of a right panel: 12 sums and the 4 numbers that feed them fit the registers of a 64-bit processor. */
const LEFT = 4;
const RIGHT = 3;

/**
 * The product of two row sets in plain TypeScript. Each score is summed in double precision in the order of the
 * dimension, so equal rows get equal scores wherever they stand; the sum is then rounded to single precision.
 * Both sides are packed into panels of interleaved rows, and a tile of 4 x 3 scores is summed in local variables, as in
 * Goto and van de Geijn (2008), "Anatomy of high-performance matrix multiplication".
 */
export const plainProduct: RowProduct = (a, b, rows) => {
  const dim = rows === 0 ? 0 : a.length / rows;
  const columns = dim === 0 ? 0 : b.length / dim;
  const out = new Float32Array(rows * columns);
  const left = new Float64Array(Math.ceil(rows / LEFT) * LEFT * dim);
  for (let row = 0; row < rows; row += LEFT) {
    packPanel(a, row, rows, dim, LEFT, left.subarray(row * dim, (row + LEFT) * dim));
  }
  const right = new Float64Array(RIGHT * dim);
  const tile = new Float64Array(LEFT * RIGHT);
  for (let column = 0; column < columns; column += RIGHT) {
    packPanel(b, column, columns, dim, RIGHT, right);
    const width = Math.min(RIGHT, columns - column);
    for (let row = 0; row < rows; row += LEFT) {
      multiplyPanels(left, row * dim, right, dim, tile);
      const height = Math.min(LEFT, rows - row);
      for (let i = 0; i < height; i++) {
        for (let j = 0; j < width; j++) out[(row + i) * columns + column + j] = tile[i * RIGHT + j]!;
      }
    }
  }
  return out;
};

/** Writes `size` rows from `first` on, interleaved, `[D, size]`; rows past the end are zeros. */
function packPanel(
  source: Float32Array,
  first: number,
  rows: number,
  dim: number,
  size: number,
  target: Float64Array,
): void {
  for (let i = 0; i < size; i++) {
    const inside = first + i < rows;
    const start = (first + i) * dim;
    for (let d = 0; d < dim; d++) target[d * size + i] = inside ? source[start + d]! : 0;
  }
}

/** One tile, `[4, 3]`: the left panel that starts at `at`, `[D, 4]`, times the right panel, `[D, 3]`. */
function multiplyPanels(left: Float64Array, at: number, right: Float64Array, dim: number, tile: Float64Array): void {
  let c00 = 0;
  let c01 = 0;
  let c02 = 0;
  let c10 = 0;
  let c11 = 0;
  let c12 = 0;
  let c20 = 0;
  let c21 = 0;
  let c22 = 0;
  let c30 = 0;
  let c31 = 0;
  let c32 = 0;
  let l = at;
  const end = dim * RIGHT;
  for (let r = 0; r < end; r += RIGHT) {
    const b0 = right[r]!;
    const b1 = right[r + 1]!;
    const b2 = right[r + 2]!;
    const a0 = left[l]!;
    c00 += a0 * b0;
    c01 += a0 * b1;
    c02 += a0 * b2;
    const a1 = left[l + 1]!;
    c10 += a1 * b0;
    c11 += a1 * b1;
    c12 += a1 * b2;
    const a2 = left[l + 2]!;
    c20 += a2 * b0;
    c21 += a2 * b1;
    c22 += a2 * b2;
    const a3 = left[l + 3]!;
    c30 += a3 * b0;
    c31 += a3 * b1;
    c32 += a3 * b2;
    l += LEFT;
  }
  tile[0] = c00;
  tile[1] = c01;
  tile[2] = c02;
  tile[3] = c10;
  tile[4] = c11;
  tile[5] = c12;
  tile[6] = c20;
  tile[7] = c21;
  tile[8] = c22;
  tile[9] = c30;
  tile[10] = c31;
  tile[11] = c32;
}
