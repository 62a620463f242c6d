import type * as tf from '@tensorflow/tfjs-core';
import { type CrossEntropyOptions, softmaxCrossEntropy } from '../models/ops/cross-entropy.js';
import type { TokenIds } from '../tensors.js';

/**
 * Image-text matching (BLIP-2, arXiv 2301.12597, section 3.1): two-way cross-entropy, class 1 is a match.
 * @param logits [B, 2]
 * @param labels int32 [B], 0 or 1
 * @param options weights, 0 for an empty text
 * @returns a scalar
 */
export function itmLoss(
  logits: tf.Tensor,
  labels: tf.Tensor,
  options: Pick<CrossEntropyOptions, 'weights' | 'total'> = {},
): tf.Tensor {
  return softmaxCrossEntropy(logits, labels, options);
}

/** Labels of a batch whose first ceil(B / 2) texts belong to other images. */
export function itmLabels(batch: number): Int32Array {
  return new Int32Array(batch).fill(1, Math.ceil(batch / 2));
}

/** The texts of the matching view, and which rows count. */
export interface MatchingTexts {
  readonly texts: TokenIds;
  /** 0 for a row that should have another image's text where the batch has no other text, else 1, [B]. */
  readonly weights: Float32Array;
}

/**
 * Puts another image's text into the first ceil(B / 2) rows: row i takes that of row i + 1 + `shift`, around the end, or of the
 * first behind it that is not the same text. Rows with the same image must have the same text or stand in different batches
 * (`order/batch` with `distinct`): a caption of the same image would be no negative.
 */
export function withNegatives({ ids, lengths, batch, length }: TokenIds, shift: number): MatchingTexts {
  const mixed = ids.slice();
  const mixedLengths = lengths.slice();
  const weights = new Float32Array(batch).fill(1);
  const text = (row: number) => ids.subarray(row * length, (row + 1) * length);
  const texts = Array.from({ length: batch }, (_, row) => text(row).join(' '));
  for (let row = 0; row < Math.ceil(batch / 2); row++) {
    let other = (row + 1 + shift) % batch;
    for (let tried = 0; texts[other] === texts[row] && tried < batch; tried++) other = (other + 1) % batch;
    if (texts[other] === texts[row]) weights[row] = 0;
    mixed.set(text(other), row * length);
    mixedLengths[row] = lengths[other]!;
  }
  return { texts: { ids: mixed, lengths: mixedLengths, batch, length }, weights };
}
