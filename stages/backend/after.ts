import type * as tf from '@tensorflow/tfjs-core';
import { floatType } from './bfloat16.js';
import { kernelsForAnyDevice } from './kernels.js';
import { typeAttribute } from './native.js';

/**
 * The same tensor, in a recorded step not before another one is there: what is computed of it is then not computed early, nor merged
 * with the same ops on the tensor itself. Works on a GPU too, as it only hands memory on.
 */
export function after(x: tf.Tensor, other: tf.Tensor): tf.Tensor {
  const native = kernelsForAnyDevice();
  if (native === undefined) return x.clone();
  const types = [typeAttribute('T', floatType(x)), typeAttribute('Other', floatType(other))];
  return native.execute('AlignflowAfter', types, [x, other], 1)[0]!;
}
