import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';

/**
 * x + branch, the branch dropped for some samples (stochastic depth, arXiv 1603.09382).
 * @param x [B * T, D]
 * @param branch [B * T, D]
 * @param factors what each sample's branch is multiplied by, [B]: 0 where it is dropped, 1 / (1 - rate) where it is kept
 */
export function residual(x: tf.Tensor, branch: tf.Tensor, factors?: tf.Tensor): tf.Tensor {
  if (factors === undefined) {
    return differentiable(
      [x, branch],
      () => ({ value: tf.add(x, branch), saved: [] }),
      (dy) => [dy.clone(), dy.clone()],
    );
  }
  return differentiable(
    [x, branch],
    () => ({ value: tf.add(x, scaleSamples(branch, factors)), saved: [factors] }),
    (dy, [factors]) => [dy.clone(), scaleSamples(dy, factors)],
  );
}

function scaleSamples(x: tf.Tensor, factors: tf.Tensor): tf.Tensor {
  const samples = factors.shape[0]!;
  return tf.reshape(tf.mul(tf.reshape(x, [samples, -1]), tf.reshape(factors, [samples, 1])), x.shape);
}
