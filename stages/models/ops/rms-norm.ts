import * as tf from '@tensorflow/tfjs-core';
import { floatType } from '../../backend/bfloat16.js';
import { ownKernels } from '../../backend/kernels.js';
import { floatAttribute, type NativeOps, typeAttribute } from '../../backend/native.js';
import { differentiable } from './differentiable.js';
import { sumRows } from './linear.js';
import { precisionInUse } from './precision.js';

/**
 * x / sqrt(mean(x^2) + eps), the mean over the last axis (Zhang and Sennrich, arXiv 1910.07467), without a weight.
 * @param x [N, D]
 */
export function unitRms(x: tf.Tensor, eps: number): tf.Tensor {
  const own = ownKernels();
  if (own !== undefined) {
    const type = floatType(x);
    return differentiable(
      [x],
      () => {
        const [value, scale] = normalise(own, x, tf.zeros([0]), eps);
        return { value: value!, saved: [value!, scale!] };
      },
      (dy, [value, scale]) => [gradients(own, dy, value, true, scale, tf.zeros([0]), type)[0]!],
    );
  }
  return differentiable(
    [x],
    () => {
      const scale = inverseRms(x, eps);
      const value = tf.mul(x, scale);
      return { value, saved: [value, scale] };
    },
    (dy, [y, scale]) => [unitGradient(dy, y, scale)],
  );
}

/**
 * RMSNorm: x / sqrt(mean(x^2) + eps) * weight.
 * @param x [N, D]
 * @param weight [D]
 */
export function rmsNorm(x: tf.Tensor, weight: tf.Tensor, eps: number): tf.Tensor {
  const own = ownKernels();
  if (own !== undefined) {
    return differentiable(
      [x, weight],
      () => {
        const [value, scale] = normalise(own, x, weight, eps);
        return { value: value!, saved: [x, scale!, weight] };
      },
      (dy, [x, scale, weight]) => gradients(own, dy, x, false, scale, weight, floatType(x)),
    );
  }
  return differentiable(
    [x, weight],
    () => {
      const scale = inverseRms(x, eps);
      const unit = tf.mul(x, scale);
      return { value: tf.mul(unit, weight), saved: [unit, scale, weight] };
    },
    (dy, [unit, scale, weight]) => [unitGradient(tf.mul(dy, weight), unit, scale), sumRows(tf.mul(dy, unit))],
  );
}

/** The result, in bfloat16 where that is the precision in use, and 1 / rms of each row. A weight of no elements is none. */
function normalise(own: NativeOps, x: tf.Tensor, weight: tf.Tensor, eps: number): tf.Tensor[] {
  const type = precisionInUse() === 'bf16' ? 'bfloat16' : 'float32';
  const attributes = [typeAttribute('T', floatType(x)), typeAttribute('Out', type), floatAttribute('eps', eps)];
  return own.execute('AlignflowRmsNorm', attributes, [x, weight], 2);
}

/** Gradients of input and weight, the first in the type of the input. */
function gradients(
  own: NativeOps,
  dy: tf.Tensor,
  x: tf.Tensor,
  unit: boolean,
  scale: tf.Tensor,
  weight: tf.Tensor,
  type: 'float32' | 'bfloat16',
): tf.Tensor[] {
  const attributes = [
    typeAttribute('Grad', floatType(dy)),
    typeAttribute('T', floatType(x)),
    typeAttribute('Out', type),
    floatAttribute('unit', unit ? 1 : 0),
  ];
  return own.execute('AlignflowRmsNormGradient', attributes, [dy, x, scale, weight], 2);
}

/** 1 / sqrt(mean(x^2) + eps), [N, 1]. */
function inverseRms(x: tf.Tensor, eps: number): tf.Tensor {
  return tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), eps));
}

/** With y = x s and s = 1 / rms(x): dx = s (dy - y mean(dy y)). */
function unitGradient(dy: tf.Tensor, y: tf.Tensor, scale: tf.Tensor): tf.Tensor {
  return tf.mul(tf.sub(dy, tf.mul(y, tf.mean(tf.mul(dy, y), -1, true))), scale);
}
