import * as tf from '@tensorflow/tfjs-core';
import { floatType, toType } from '../../backend/bfloat16.js';
import { ownKernels } from '../../backend/kernels.js';
import { typeAttribute } from '../../backend/native.js';
import { differentiable } from './differentiable.js';

/**
 * g(t) = t (1 + erf t), the core of the exact GELU (arXiv 1606.08415): gelu(x) = g(x / sqrt 2) / sqrt 2.
 *
 * Between two linear maps both constants belong in the vectors beside the weights (norm, bias, layer scale), which saves
 * three of twelve passes over the widest activation of the model.
 *
 * @param t any shape
 */
export function geluCore(t: tf.Tensor): tf.Tensor {
  const own = ownKernels();
  if (own !== undefined) {
    const type = floatType(t);
    const attributes = [typeAttribute('T', type)];
    return differentiable(
      [t],
      () => ({ value: own.execute('AlignflowGelu', attributes, [t], 1)[0]!, saved: [t] }),
      (dy, [t]) => own.execute('AlignflowGeluGradient', attributes, [toType(dy, type), t], 1),
    );
  }
  return differentiable(
    [t],
    () => {
      const gate = tf.add(tf.erf(t), 1);
      return { value: tf.mul(t, gate), saved: [t, gate] };
    },
    // g'(t) = 1 + erf t + t (2 / sqrt pi) exp(-t^2)
    (dy, [t, gate]) => {
      const density = tf.exp(tf.sub(Math.log(2 / Math.sqrt(Math.PI)), tf.square(t)));
      return [tf.mul(dy, tf.add(gate, tf.mul(t, density)))];
    },
  );
}
