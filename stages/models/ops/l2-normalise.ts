import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';

/** Smallest norm that is divided by, as in `torch.nn.functional.normalize`. */
const smallest = 1e-12;

/**
 * Rows divided by their Euclidean norm.
 * @param x [N, D]
 */
export function l2Normalise(x: tf.Tensor): tf.Tensor {
  return differentiable(
    [x],
    () => {
      const scale = tf.rsqrt(tf.maximum(tf.sum(tf.square(x), -1, true), smallest ** 2));
      const value = tf.mul(x, scale);
      return { value, saved: [value, scale] };
    },
    (dy, [y, scale]) => [tf.mul(tf.sub(dy, tf.mul(y, tf.sum(tf.mul(dy, y), -1, true))), scale)],
  );
}
