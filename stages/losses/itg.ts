import type * as tf from '@tensorflow/tfjs-core';
import { softmaxCrossEntropy } from '../models/ops/cross-entropy.js';

/**
 * Image-grounded text generation: cross-entropy of the next token, the mean over all that count.
 * @param logits [B * L, vocabulary]
 * @param labels int32 [B * L]
 * @param weights float32 [B * L]
 * @returns a scalar
 */
export function itgLoss(logits: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor): tf.Tensor {
  return softmaxCrossEntropy(logits, labels, weights);
}

/** What each position of a batch of texts is to predict, and whether that counts. */
export interface ItgTargets {
  /** The token that follows, [B * L]; 0 at the last position. */
  readonly labels: Int32Array;
  /** 1 where the token that follows belongs to the caption or is its end mark, else 0, [B * L]. */
  readonly weights: Float32Array;
}

/**
 * Targets of texts that are a prompt, a caption and an end mark.
 * @param tokens [B, L]
 * @param ends position of each end mark, [B]
 * @param prompt number of tokens before the caption, begin mark included
 */
export function itgTargets(tokens: Int32Array, ends: Int32Array, prompt: number): ItgTargets {
  const length = tokens.length / ends.length;
  const labels = new Int32Array(tokens.length);
  const weights = new Float32Array(tokens.length);
  for (const [row, end] of ends.entries()) {
    for (let position = 0; position < length - 1; position++) {
      const at = row * length + position;
      labels[at] = tokens[at + 1]!;
      if (position + 1 >= prompt && position < end) weights[at] = 1;
    }
  }
  return { labels, weights };
}
