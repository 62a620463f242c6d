import type * as tf from '@tensorflow/tfjs-core';
import { type CrossEntropyOptions, softmaxCrossEntropy } from '../models/ops/cross-entropy.js';

/**
 * Image-grounded text generation: cross-entropy of the next token, the mean over all that count.
 * @param logits [N, vocabulary]
 * @param labels int32 [N]
 * @returns a scalar
 */
export function itgLoss(logits: tf.Tensor, labels: tf.Tensor, options: CrossEntropyOptions): tf.Tensor {
  return softmaxCrossEntropy(logits, labels, options);
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

/** The positions of a batch of texts that count, and what each is to predict. */
export interface CountedTargets extends ItgTargets {
  /** Their rows among the [B * L] positions, int32 [N]. The logits of the others are never needed. */
  readonly rows: Int32Array;
}

/**
 * All positions between the prompt and the end of the padding, as many of each text, [B * P], P = L - `prompt`: the targets of some texts
 * have the same shapes as those of as many others, whatever their lengths.
 */
export function evenTargets({ labels, weights }: ItgTargets, texts: number, prompt: number): CountedTargets {
  const length = labels.length / texts;
  const rows = Int32Array.from(labels.keys()).filter((row) => {
    const position = row % length;
    return position >= prompt - 1 && position < length - 1;
  });
  return {
    rows,
    labels: rows.map((row) => labels[row]!),
    weights: Float32Array.from(rows, (row) => weights[row]!),
  };
}

/** Numbers of rows that a batch of one shape can have: each is a shape of its own, and so a program of its own. */
const mostSizes = 8;

/**
 * The counted positions alone: of short captions in a long padding most logits would be computed in vain. N is rounded up to
 * one of `mostSizes` sizes, by rows of weight 0.
 */
export function countedTargets({ labels, weights }: ItgTargets): CountedTargets {
  const counted = [...weights.keys()].filter((row) => weights[row] === 1);
  const unit = Math.ceil(weights.length / mostSizes);
  const size = Math.max(1, Math.ceil(counted.length / unit)) * unit;
  const rows = new Int32Array(size);
  rows.set(counted);
  return {
    rows,
    labels: rows.map((row) => labels[row]!),
    weights: new Float32Array(size).fill(1, 0, counted.length),
  };
}
