import * as tf from '@tensorflow/tfjs-core';
import { floatType, toType } from '../../backend/bfloat16.js';
import { ownKernels } from '../../backend/kernels.js';
import { typeAttribute } from '../../backend/native.js';
import { differentiable } from './differentiable.js';

/**
 * SwiGLU without its linear maps (arXiv 2002.05202): gate * sigmoid(gate) * up.
 * @param gate any shape
 * @param up the same shape
 */
export function swiglu(gate: tf.Tensor, up: tf.Tensor): tf.Tensor {
  const own = ownKernels();
  if (own !== undefined) {
    const type = floatType(gate);
    const attributes = [typeAttribute('T', type)];
    return differentiable(
      [gate, up],
      () => {
        const same = toType(up, type);
        return { value: own.execute('AlignflowSwiglu', attributes, [gate, same], 1)[0]!, saved: [gate, same] };
      },
      (dy, [gate, up]) => own.execute('AlignflowSwigluGradient', attributes, [toType(dy, type), gate, up], 2),
    );
  }
  return differentiable(
    [gate, up],
    () => {
      const sigmoid = tf.sigmoid(gate);
      const silu = tf.mul(gate, sigmoid);
      return { value: tf.mul(silu, up), saved: [sigmoid, silu, up] };
    },
    // d silu / d gate = s + silu (1 - s), s the sigmoid.
    (dy, [sigmoid, silu, up]) => {
      const slope = tf.add(sigmoid, tf.mul(silu, tf.sub(1, sigmoid)));
      return [tf.mul(tf.mul(dy, up), slope), tf.mul(dy, silu)];
    },
  );
}
