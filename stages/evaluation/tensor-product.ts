import * as tf from '@tensorflow/tfjs-core';
import type { RowProduct } from '../evaluators/row-product.js';
import { product } from '../models/ops/product.js';

/**
 * Runs `work` with products of row sets on the tensor backend, in float32. The right side becomes a tensor once for all calls that
 * have the same array there.
 */
export function withTensorProduct<Result>(work: (product: RowProduct) => Result): Result {
  let held: { readonly array: Float32Array; readonly tensor: tf.Tensor } | undefined;
  const rightSide = (array: Float32Array, dim: number): tf.Tensor => {
    if (held?.array !== array) {
      held?.tensor.dispose();
      held = { array, tensor: tf.tensor2d(array, [array.length / dim, dim]) };
    }
    return held.tensor;
  };
  try {
    return work((a, b, rows) => {
      const dim = a.length / rows;
      const right = rightSide(b, dim);
      const left = tf.tensor2d(a, [rows, dim]);
      const scores = product(left, right, { b: true });
      const values = scores.dataSync<'float32'>();
      tf.dispose([left, scores]);
      return values;
    });
  } finally {
    held?.tensor.dispose();
  }
}
