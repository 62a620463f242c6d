import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';

/** GELU (arXiv 1606.08415), exact: x (1 + erf(x / sqrt 2)) / 2. Any shape. */
export function gelu(x: tf.Tensor): tf.Tensor {
  return differentiable(
    [x],
    () => {
      const probability = tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);
      return { value: tf.mul(x, probability), saved: [x, probability] };
    },
    // d/dx x P(x) = P(x) + x p(x), p the standard normal density exp(-x^2 / 2 - ln sqrt(2 pi)).
    (dy, [x, probability]) => {
      const density = tf.exp(tf.sub(-0.5 * Math.log(2 * Math.PI), tf.square(tf.mul(x, Math.SQRT1_2))));
      return [tf.mul(dy, tf.add(probability, tf.mul(x, density)))];
    },
  );
}
