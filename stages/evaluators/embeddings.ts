import { AlignflowError } from '../../pipeline/errors.js';
import { plainProduct, type RowProduct } from './row-product.js';

/** Most scores that are held at once: 5 million, 20 MB. The whole queries x gallery matrix is never made. */
const SCORES_AT_ONCE = 5_242_880;

/** Embeddings of `rows` things, `[rows, D]`, row-major. */
export interface Embeddings {
  readonly data: Float32Array;
  readonly rows: number;
}

/**
 * Embeddings with their number of rows worked out and checked.
 * @param what the name that an error gives them, such as "image embeddings"
 */
export function embeddingsOf(data: Float32Array, dim: number, what: string): Embeddings {
  if (!Number.isInteger(dim) || dim < 1 || data.length % dim !== 0) {
    throw new AlignflowError({
      what: `${what}: ${data.length} numbers are not whole rows of ${dim}`,
      expected: 'a row-major array of rows x dimension numbers, dimension at least 1',
    });
  }
  return { data, rows: data.length / dim };
}

/** Divides each row by its Euclidean length, in a new array. A row of zeros stays zeros (as `F.normalize` does). */
export function normalizeRows(data: Float32Array, dim: number): Float32Array {
  const { rows } = embeddingsOf(data, dim, 'embeddings');
  const out = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) {
    const start = row * dim;
    let squares = 0;
    for (let d = start; d < start + dim; d++) squares += data[d]! * data[d]!;
    const length = Math.sqrt(squares);
    for (let d = start; d < start + dim; d++) out[d] = length === 0 ? 0 : data[d]! / length;
  }
  return out;
}

/** A run of query rows, scored against the whole gallery. */
export interface ScoreBlock {
  /** `[rows, gallery]`, row-major; valid until the next block. */
  readonly scores: Float32Array;
  /** First query row of the block. */
  readonly start: number;
  readonly rows: number;
}

/** Cosine scores of normalised queries against a normalised gallery, block by block in the order of the queries. */
export function* scoreBlocks(
  queries: Embeddings,
  gallery: Embeddings,
  dim: number,
  product: RowProduct = plainProduct,
): Generator<ScoreBlock> {
  const height = Math.max(1, Math.floor(SCORES_AT_ONCE / Math.max(1, gallery.rows)));
  for (let start = 0; start < queries.rows; start += height) {
    const rows = Math.min(height, queries.rows - start);
    const scores = product(queries.data.subarray(start * dim, (start + rows) * dim), gallery.data, rows);
    if (scores.length !== rows * gallery.rows) {
      throw new AlignflowError({
        what: `the product gave ${scores.length} scores for ${rows} x ${gallery.rows} rows`,
        expected: `${rows * gallery.rows} scores, row-major`,
      });
    }
    yield { scores, start, rows };
  }
}
