import * as tf from '@tensorflow/tfjs-core';
import { inBfloat16 } from '../../backend/bfloat16.js';
import { type Attribute, boolAttribute, nativeOps, typeAttribute } from '../../backend/native.js';
import { precisionInUse } from './precision.js';

/** Which operand of a product is transposed first. */
export interface Transposed {
  readonly a?: boolean;
  readonly b?: boolean;
}

/**
 * Matrix product of two matrices [M, K] x [K, N], or of equally many of them [..., M, K] x [..., K, N], in the precision in
 * use. It records no gradient: it is what ops are made of.
 */
export function product(a: tf.Tensor, b: tf.Tensor, transposed: Transposed = {}): tf.Tensor {
  const { op, attributes } = productOp(a.rank, transposed);
  const rounded = precisionInUse() === 'bf16' && inBfloat16([a, b], (run, inputs) => run(op, attributes, inputs));
  if (rounded) return rounded;
  const native = a.rank === 2 ? nativeOps() : undefined;
  if (native === undefined) return tf.matMul(a, b, transposed.a, transposed.b);
  // tfjs runs BatchMatMulV2 for matrices too; of MatMul, TensorFlow's graph optimiser makes one kernel with the bias.
  return native.execute(op, [typeAttribute('T', 'float32'), ...attributes], [a, b], 1)[0]!;
}

/** TensorFlow's op for a product, without the type. */
export function productOp(
  rank: number,
  { a = false, b = false }: Transposed,
): { readonly op: string; readonly attributes: readonly Attribute[] } {
  return rank === 2
    ? { op: 'MatMul', attributes: [boolAttribute('transpose_a', a), boolAttribute('transpose_b', b)] }
    : { op: 'BatchMatMulV2', attributes: [boolAttribute('adj_x', a), boolAttribute('adj_y', b)] };
}
