import * as tf from '@tensorflow/tfjs-core';
import { nativeOps, typeAttribute } from '../../backend/native.js';

/** A gradient times a scalar, and 0 where the scalar is 0, even for elements that are not finite: those of a skipped step. */
export function takenIn(gradient: tf.Tensor, factor: tf.Tensor): tf.Tensor {
  const native = nativeOps();
  if (native === undefined) return tf.where(tf.equal(factor, 0), tf.zerosLike(gradient), tf.mul(gradient, factor));
  return native.execute('MulNoNan', [typeAttribute('T', 'float32')], [gradient, factor], 1)[0]!;
}
