import * as tf from '@tensorflow/tfjs-core';
import { ownKernels } from '../backend/kernels.js';

/** The norm of all gradients taken as one vector: the root of the sum of the squares of everything. A scalar. */
export function globalNorm(gradients: readonly tf.Tensor[]): tf.Tensor {
  const squares = gradients.map(sumSquares);
  return tf.sqrt(squares.length === 1 ? squares[0]! : tf.addN(squares));
}

/**
 * The factor that brings gradients of that norm down to `maximum`, or 1 where they are below it: torch.nn.utils.clip_grad_norm_,
 * with the same 1e-6 under the fraction. A scalar.
 */
export function clipScale(norm: tf.Tensor, maximum: number): tf.Tensor {
  return tf.minimum(tf.div(maximum, tf.add(norm, 1e-6)), 1);
}

function sumSquares(x: tf.Tensor): tf.Tensor {
  return ownKernels()?.execute('AlignflowSumSquares', [], [x], 1)[0] ?? tf.sum(tf.square(x));
}
