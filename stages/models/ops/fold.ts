import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';
import { linear, sumRows } from './linear.js';
import { unitRms } from './rms-norm.js';

/**
 * RMSNorm, then one or more linear maps of its result: (x / rms(x) * norm) W^T + b for each W.
 * @param x [N, in]
 * @param norm weight of the norm, [in]
 * @param weights each (out, in)
 * @param biases none, or one for each weight
 * @returns [N, out] for each weight
 */
export function normLinear(
  x: tf.Tensor,
  norm: tf.Tensor,
  eps: number,
  weights: readonly tf.Tensor[],
  biases: readonly tf.Tensor[] = [],
): tf.Tensor[] {
  return columnsLinear(unitRms(x, eps), norm, weights, biases);
}

/**
 * A factor for each input channel, then one or more linear maps: (x * factors) W^T + b for each W.
 *
 * With more rows than outputs it is cheaper to multiply the columns of W than every row of x, and the gradient of the
 * factors then needs no pass over the rows. Both ways are the same function.
 *
 * @param x [N, in]
 * @param factors [in]
 */
export function columnsLinear(
  x: tf.Tensor,
  factors: tf.Tensor,
  weights: readonly tf.Tensor[],
  biases: readonly tf.Tensor[] = [],
): tf.Tensor[] {
  const outputs = weights.reduce((sum, weight) => sum + weight.shape[0]!, 0);
  if (x.shape[0]! > outputs) {
    return weights.map((weight, i) => linear(x, scaleColumns(weight, factors), biases[i]));
  }
  const scaled = scaleColumns(x, factors);
  return weights.map((weight, i) => linear(scaled, weight, biases[i]));
}

/**
 * A linear map, then a factor for each output channel (layer scale, arXiv 2103.17239): (x W^T + b) * scale.
 * The factor goes into W and b where x has more rows than W.
 *
 * @param x [N, in]
 * @param weight (out, in)
 * @param scale [out]
 */
export function linearScale(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor, scale: tf.Tensor): tf.Tensor {
  if (x.shape[0]! <= weight.shape[0]!) return scaleColumns(linear(x, weight, bias), scale);
  return linear(x, scaleRows(weight, scale), tf.mul(bias, scale));
}

/** x [N, D] times factors [D]. */
function scaleColumns(x: tf.Tensor, factors: tf.Tensor): tf.Tensor {
  return differentiable(
    [x, factors],
    () => ({ value: tf.mul(x, factors), saved: [x, factors] }),
    (dy, [x, factors]) => [tf.mul(dy, factors), sumRows(tf.mul(dy, x))],
  );
}

/** x [N, D] times factors [N]. */
function scaleRows(x: tf.Tensor, factors: tf.Tensor): tf.Tensor {
  return differentiable(
    [x, factors],
    () => {
      const column = tf.reshape(factors, [-1, 1]);
      return { value: tf.mul(x, column), saved: [x, column] };
    },
    (dy, [x, column]) => [tf.mul(dy, column), tf.sum(tf.mul(dy, x), 1)],
  );
}
