import { AlignflowError } from '../../pipeline/errors.js';
import { embeddingsOf, normalizeRows, scoreBlocks } from './embeddings.js';
import type { RowProduct } from './row-product.js';

/** The factor of a cosine in a zero-shot logit (CLIP_benchmark, `metrics/zeroshot_classification.py`). */
const LOGIT_SCALE = 100;

/**
 * One embedding per class from the embeddings of its prompts: each prompt normalised, the mean per class, normalised.
 * @param prompts prompt embeddings, `[P, D]`, of any length
 * @param classOf class of each prompt, P entries; classes may have different numbers of prompts (templates, synonyms)
 * @param classes number of classes, C
 * @returns normalised class embeddings, `[C, D]`
 */
export function classEmbeddings(
  prompts: Float32Array,
  dim: number,
  classOf: ArrayLike<number>,
  classes: number,
): Float32Array {
  const { rows } = embeddingsOf(prompts, dim, 'prompt embeddings');
  checkIndices(classOf, rows, classes, 'prompt');
  const unit = normalizeRows(prompts, dim);
  const sums = new Float32Array(classes * dim);
  const counts = new Int32Array(classes);
  for (let row = 0; row < rows; row++) {
    const owner = classOf[row]!;
    counts[owner]!++;
    for (let d = 0; d < dim; d++) sums[owner * dim + d]! += unit[row * dim + d]!;
  }
  const bare = counts.indexOf(0);
  if (bare >= 0)
    throw new AlignflowError({ what: `class ${bare} has no prompt`, expected: 'a prompt or more per class' });
  for (let at = 0; at < sums.length; at++) sums[at]! /= counts[Math.floor(at / dim)]!;
  return normalizeRows(sums, dim);
}

/** What `zeroShot` scores. Embeddings are row-major and L2-normalised. */
export interface ZeroShotInput {
  /** Image embeddings, `[N, D]`. */
  readonly images: Float32Array;
  /** Class embeddings, `[C, D]`, as `classEmbeddings` makes them. */
  readonly classes: Float32Array;
  /** Width of an embedding, D. */
  readonly dim: number;
  /** True class of each image, N entries. */
  readonly labels: ArrayLike<number>;
  /** The product for large sets, on the tensor backend. @default plainProduct */
  readonly product?: RowProduct;
}

/** Zero-shot classification; shares are 0 to 1. */
export interface ZeroShotResult {
  /** Images whose class has the highest logit. */
  readonly top1: number;
  /** Images whose class is among the five highest logits; NaN for fewer than five classes, where it says nothing. */
  readonly top5: number;
  /** Recall (top-1) of each class that has images, averaged over the classes. */
  readonly meanPerClassRecall: number;
  /** Class with the highest logit per image, the lowest of equals. */
  readonly predicted: Int32Array;
  /** Softmax of the logits at the predicted class, per image. */
  readonly confidence: Float32Array;
}

/**
 * Zero-shot classification: logits are 100 x cosine of image and class embedding. A class with exactly the logit of the
 * true one stands before it, so equal class embeddings do not look like knowledge; so does a logit that is not a number.
 * Every figure is NaN when there are no images.
 */
export function zeroShot(input: ZeroShotInput): ZeroShotResult {
  const { dim, labels, product } = input;
  const images = embeddingsOf(input.images, dim, 'image embeddings');
  const classes = embeddingsOf(input.classes, dim, 'class embeddings');
  checkIndices(labels, images.rows, classes.rows, 'image');
  const predicted = new Int32Array(images.rows);
  const confidence = new Float32Array(images.rows);
  const hits = new Int32Array(classes.rows);
  const seen = new Int32Array(classes.rows);
  let first = 0;
  let five = 0;
  for (const { scores, start, rows } of scoreBlocks(images, classes, dim, product)) {
    for (let row = 0; row < rows; row++) {
      const logits = scores.subarray(row * classes.rows, (row + 1) * classes.rows);
      const label = labels[start + row]!;
      const place = placeOf(logits, label);
      const best = indexOfLargest(logits);
      predicted[start + row] = best;
      confidence[start + row] = softmaxAt(logits, best);
      seen[label]!++;
      if (place === 0) {
        first++;
        hits[label]!++;
      }
      if (place < 5) five++;
    }
  }
  return {
    top1: first / images.rows,
    top5: classes.rows < 5 ? Number.NaN : five / images.rows,
    meanPerClassRecall: meanRecall(hits, seen),
    predicted,
    confidence,
  };
}

/** How many other entries are not below the one at `index`. */
function placeOf(scores: Float32Array, index: number): number {
  const own = scores[index]!;
  let ahead = -1;
  for (const score of scores) if (!(score < own)) ahead++;
  return ahead;
}

function indexOfLargest(scores: Float32Array): number {
  let best = 0;
  for (let index = 1; index < scores.length; index++) if (scores[index]! > scores[best]!) best = index;
  return best;
}

function softmaxAt(cosines: Float32Array, index: number): number {
  const own = cosines[index]!;
  let sum = 0;
  for (const cosine of cosines) sum += Math.exp(LOGIT_SCALE * (cosine - own));
  return 1 / sum;
}

function meanRecall(hits: Int32Array, seen: Int32Array): number {
  let sum = 0;
  let classes = 0;
  for (let index = 0; index < seen.length; index++) {
    if (seen[index] === 0) continue;
    sum += hits[index]! / seen[index]!;
    classes++;
  }
  return sum / classes;
}

function checkIndices(indices: ArrayLike<number>, rows: number, classes: number, what: string): void {
  if (indices.length !== rows) {
    throw new AlignflowError({
      what: `${indices.length} classes for ${rows} ${what}s`,
      expected: `one class per ${what}`,
    });
  }
  for (let row = 0; row < rows; row++) {
    const index = indices[row]!;
    if (!(Number.isInteger(index) && index >= 0 && index < classes)) {
      throw new AlignflowError({
        what: `${what} ${row} has class ${index}`,
        expected: `a whole number from 0 to ${classes - 1}`,
      });
    }
  }
}
