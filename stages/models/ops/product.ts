import * as tf from '@tensorflow/tfjs-core';
import { boolAttribute, nativeOps, typeAttribute } from '../../backend/native.js';

/** Which operand of a product is transposed first. */
export interface Transposed {
  readonly a?: boolean;
  readonly b?: boolean;
}

/**
 * Matrix product of two matrices [M, K] x [K, N], or of equally many of them [..., M, K] x [..., K, N]. It records no
 * gradient: it is what ops are made of.
 */
export function product(a: tf.Tensor, b: tf.Tensor, transposed: Transposed = {}): tf.Tensor {
  const native = a.rank === 2 ? nativeOps() : undefined;
  if (native === undefined) return tf.matMul(a, b, transposed.a, transposed.b);
  // tfjs runs BatchMatMulV2 for matrices too; of MatMul, TensorFlow's graph optimiser makes one kernel with the bias.
  const attributes = [
    typeAttribute('T', 'float32'),
    boolAttribute('transpose_a', transposed.a ?? false),
    boolAttribute('transpose_b', transposed.b ?? false),
  ];
  return native.execute('MatMul', attributes, [a, b], 1)[0]!;
}
