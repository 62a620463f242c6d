import type * as tf from '@tensorflow/tfjs-core';
import { softmaxCrossEntropy } from '../models/ops/cross-entropy.js';

/**
 * Image-text matching (BLIP-2, arXiv 2301.12597, section 3.1): two-way cross-entropy, class 1 is a match.
 * @param logits [B, 2]
 * @param labels int32 [B], 0 or 1
 * @param weights float32 [B], 0 for an empty text
 * @returns a scalar
 */
export function itmLoss(logits: tf.Tensor, labels: tf.Tensor, weights?: tf.Tensor): tf.Tensor {
  return softmaxCrossEntropy(logits, labels, weights);
}

/** Labels of a batch whose first ceil(B / 2) texts belong to other images. */
export function itmLabels(batch: number): Int32Array {
  return new Int32Array(batch).fill(1, Math.ceil(batch / 2));
}
