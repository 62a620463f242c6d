import * as tf from '@tensorflow/tfjs-core';
import { toBfloat16, toFloat32 } from '../../backend/bfloat16.js';
import { ownKernels } from '../../backend/kernels.js';
import { boolAttribute, type NativeOps, nativeOps, typeAttribute } from '../../backend/native.js';
import { precisionInUse } from './precision.js';

/** Which operand of a product is transposed first. */
export interface Transposed {
  readonly a?: boolean;
  readonly b?: boolean;
}

/**
 * Matrix product of two matrices [M, K] x [K, N], in the precision in use. In bfloat16 the factors and the result are rounded, sums
 * are float32, and a bias is added before the result is rounded. It records no gradient: it is what ops are made of.
 * @param bias added to each row, [N]
 */
export function product(a: tf.Tensor, b: tf.Tensor, transposed: Transposed = {}, bias?: tf.Tensor): tf.Tensor {
  const native = nativeOps();
  if (native === undefined) {
    const value = tf.matMul(a, b, transposed.a, transposed.b);
    return bias === undefined ? value : tf.add(value, bias);
  }
  if (precisionInUse() === 'fp32') return execute(native, 'float32', [a, b], transposed, bias);
  return kept(execute(native, 'bfloat16', [toBfloat16(a), toBfloat16(b)], transposed, bias && toBfloat16(bias)));
}

/** A result in bfloat16: as it is where all ops around take it, else as float32. */
function kept(result: tf.Tensor): tf.Tensor {
  return ownKernels() === undefined ? toFloat32(result) : result;
}

/** tfjs runs BatchMatMulV2 for matrices too; of MatMul, TensorFlow's graph optimiser makes one kernel with BiasAdd. */
function execute(
  native: NativeOps,
  type: 'float32' | 'bfloat16',
  factors: tf.Tensor[],
  { a = false, b = false }: Transposed,
  bias: tf.Tensor | undefined,
): tf.Tensor {
  const attributes = [typeAttribute('T', type), boolAttribute('transpose_a', a), boolAttribute('transpose_b', b)];
  const value = native.execute('MatMul', attributes, factors, 1)[0]!;
  return bias === undefined ? value : native.execute('BiasAdd', [typeAttribute('T', type)], [value, bias], 1)[0]!;
}
