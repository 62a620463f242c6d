import { AlignflowError } from '../../pipeline/errors.js';
import { embeddingsOf } from './embeddings.js';
import { type PartnerLists, type Ranks, rankBothWays } from './ranks.js';
import type { RowProduct } from './row-product.js';

/** Which texts belong to which images, one entry a pair: text `texts[i]` belongs to image `images[i]`. */
export interface Pairs {
  readonly texts: ArrayLike<number>;
  readonly images: ArrayLike<number>;
}

/** What `retrieval` scores. Embeddings are row-major and L2-normalised. */
export interface RetrievalInput {
  /** Image embeddings, `[I, D]`. */
  readonly images: Float32Array;
  /** Text embeddings, `[T, D]`. */
  readonly texts: Float32Array;
  /** Width of an embedding, D. */
  readonly dim: number;
  /** Any number of texts per image and of images per text; a pair that is given twice counts once. */
  readonly pairs: Pairs;
  /** The k of recall at k. @default [1, 5, 10] */
  readonly ks?: readonly number[];
  /** The product for large sets, on the tensor backend. @default plainProduct */
  readonly product?: RowProduct;
}

/** One direction of retrieval. */
export interface RetrievalDirection {
  /** Share, 0 to 1, of the asked queries with a partner among the first k, by k. NaN when none was asked. */
  readonly recall: ReadonlyMap<number, number>;
  /** Queries that have a partner. The others are only distractors: they are not asked. */
  readonly asked: number;
  /** For each query the place of its best partner, from 0; -1 for a query without a partner. */
  readonly ranks: Int32Array;
  /** For each query the gallery row with the highest score, the earliest of equals; -1 when the gallery is empty. */
  readonly first: Int32Array;
}

/** Retrieval in both directions. */
export interface RetrievalResult {
  /** Images ask, texts answer. */
  readonly imageToText: RetrievalDirection;
  /** Texts ask, images answer. */
  readonly textToImage: RetrievalDirection;
}

/**
 * Recall at k by cosine, both ways: 1 for a query when any of its partners is among the first k, else 0, averaged over
 * the queries (CLIP_benchmark, `metrics/zeroshot_retrieval.py`, `recall_at_k > 0`).
 *
 * Ties count against us: a stranger with exactly the score of the best partner stands before it. So the result does
 * not depend on the order of rows, and a model that gives everything the same embedding gets 0, not 1. A score that
 * is not a number stands before everything too.
 *
 * Ranks are counted over blocks of one product; the texts x images matrix is never whole in memory.
 */
export function retrieval(input: RetrievalInput): RetrievalResult {
  const { dim, pairs, product } = input;
  const ks = input.ks ?? [1, 5, 10];
  const images = embeddingsOf(input.images, dim, 'image embeddings');
  const texts = embeddingsOf(input.texts, dim, 'text embeddings');
  const textsOfImage = partnerLists(pairs.images, pairs.texts, images.rows, texts.rows, ['image', 'text']);
  const imagesOfText = partnerLists(pairs.texts, pairs.images, texts.rows, images.rows, ['text', 'image']);
  const { rows, columns } = rankBothWays(texts, images, dim, imagesOfText, textsOfImage, product);
  return { imageToText: direction(columns, ks), textToImage: direction(rows, ks) };
}

function partnerLists(
  queries: ArrayLike<number>,
  partners: ArrayLike<number>,
  queryRows: number,
  partnerRows: number,
  [queryName, partnerName]: readonly [string, string],
): PartnerLists {
  if (queries.length !== partners.length) {
    throw new AlignflowError({
      what: `${queries.length} ${queryName}s are paired with ${partners.length} ${partnerName}s`,
      expected: 'two lists of the same length, one entry a pair',
    });
  }
  const lists: number[][] = Array.from({ length: queryRows }, () => []);
  for (let pair = 0; pair < queries.length; pair++) {
    const list = lists[queries[pair]!];
    const partner = partners[pair]!;
    if (list === undefined) throw outOfRange(queryName, pair, queries[pair]!, queryRows);
    if (!(Number.isInteger(partner) && partner >= 0 && partner < partnerRows)) {
      throw outOfRange(partnerName, pair, partner, partnerRows);
    }
    list.push(partner);
  }
  const unique = lists.map((list) => [...new Set(list)].sort((a, b) => a - b));
  const offsets = new Int32Array(queryRows + 1);
  for (let query = 0; query < queryRows; query++) offsets[query + 1] = offsets[query]! + unique[query]!.length;
  return { offsets, partners: Int32Array.from(unique.flat()) };
}

function outOfRange(name: string, pair: number, index: number, rows: number): AlignflowError {
  return new AlignflowError({
    what: `pair ${pair} names ${name} ${index}`,
    expected: `a whole number from 0 to ${rows - 1}: there are ${rows} ${name} embeddings`,
  });
}

function direction({ ranks, first }: Ranks, ks: readonly number[]): RetrievalDirection {
  let asked = 0;
  for (const place of ranks) if (place >= 0) asked++;
  return { recall: new Map(ks.map((k) => [k, recallAt(ranks, k)])), asked, ranks, first };
}

/** Share, 0 to 1, of the ranks from 0 (negative ones are left out) that are below k. NaN when there is none. */
export function recallAt(ranks: Int32Array, k: number): number {
  let asked = 0;
  let found = 0;
  for (const place of ranks) {
    if (place < 0) continue;
    asked++;
    if (place < k) found++;
  }
  return found / asked;
}
