import * as tf from '@tensorflow/tfjs-core';
import type { TextConfig } from './config.js';
import { feedForward, selfAttention } from './decoder.js';
import { causalMask, hidden } from './masks.js';
import { takeRows } from './ops/embedding.js';
import { rmsNorm } from './ops/rms-norm.js';
import { rotaryTables } from './ops/rope.js';
import type { Parameters } from './parameters.js';

/** A batch of texts. */
export interface TextInputs {
  /** Token ids, int32 [B, T]: begin mark, text, end mark, then padding. */
  readonly tokens: tf.Tensor;
  /** Position of each text's end mark, int32 [B]. */
  readonly ends: tf.Tensor;
}

/**
 * The LLaMA half of QLLaMA as a text encoder: the hidden state at each text's end mark, after the final norm. Attention is
 * causal, so what comes behind the end mark does not matter. In the last layer only the end marks ask.
 *
 * @returns [B, D]
 */
export function llama(parameters: Parameters, config: TextConfig, { tokens, ends }: TextInputs): tf.Tensor {
  const { width, heads, depth, ropeBase, eps } = config;
  const [batch, length] = tokens.shape as [number, number];
  const positions = Array.from({ length }, (_, position) => position);
  const rotary = rotaryTables(positions, width, heads, ropeBase);
  const mask = tf.tensor4d(causalMask(length), [1, 1, length, length]);
  let x = takeRows(parameters['qllama.model.embed_tokens.weight']!, tf.reshape(tokens, [-1]));
  for (let layer = 0; layer < depth - 1; layer++) {
    x = selfAttention(parameters, config, layer, x, { batch, rotary, mask }).x;
    x = feedForward(parameters, config, layer, x);
  }
  x = selfAttention(parameters, config, depth - 1, x, {
    batch,
    rotary,
    mask: maskBehind(ends, length),
    asking: {
      rows: tf.add(tf.mul(tf.range(0, batch, 1, 'int32'), tf.scalar(length, 'int32')), ends),
      rotary: {
        cos: tf.gather(rotary.cos, ends as tf.Tensor1D),
        sin: tf.gather(rotary.sin, ends as tf.Tensor1D),
      },
    },
  }).x;
  return rmsNorm(feedForward(parameters, config, depth - 1, x), parameters['qllama.model.norm.weight']!, eps);
}

/** Mask [B, 1, 1, T] that hides everything behind position `ends` [B]. */
function maskBehind(ends: tf.Tensor, length: number): tf.Tensor {
  const behind = tf.greater(tf.range(0, length, 1, 'int32'), tf.reshape(ends, [-1, 1]));
  return tf.reshape(tf.mul(tf.cast(behind, 'float32'), hidden), [-1, 1, 1, length]);
}
