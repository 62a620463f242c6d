import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';

/**
 * SwiGLU without its linear maps (arXiv 2002.05202): gate * sigmoid(gate) * up.
 * @param gate any shape
 * @param up the same shape
 */
export function swiglu(gate: tf.Tensor, up: tf.Tensor): tf.Tensor {
  return differentiable(
    [gate, up],
    () => {
      const sigmoid = tf.sigmoid(gate);
      const silu = tf.mul(gate, sigmoid);
      return { value: tf.mul(silu, up), saved: [sigmoid, silu, up] };
    },
    // d silu / d gate = s + silu (1 - s), s the sigmoid.
    (dy, [sigmoid, silu, up]) => {
      const slope = tf.add(sigmoid, tf.mul(silu, tf.sub(1, sigmoid)));
      return [tf.mul(tf.mul(dy, up), slope), tf.mul(dy, silu)];
    },
  );
}
