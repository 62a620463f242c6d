import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';
import { sumRows } from './linear.js';

/**
 * x / sqrt(mean(x^2) + eps), the mean over the last axis (Zhang and Sennrich, arXiv 1910.07467), without a weight.
 * @param x [N, D]
 */
export function unitRms(x: tf.Tensor, eps: number): tf.Tensor {
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

/** 1 / sqrt(mean(x^2) + eps), [N, 1]. */
function inverseRms(x: tf.Tensor, eps: number): tf.Tensor {
  return tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), eps));
}

/** With y = x s and s = 1 / rms(x): dx = s (dy - y mean(dy y)). */
function unitGradient(dy: tf.Tensor, y: tf.Tensor, scale: tf.Tensor): tf.Tensor {
  return tf.mul(tf.sub(dy, tf.mul(y, tf.mean(tf.mul(dy, y), -1, true))), scale);
}
