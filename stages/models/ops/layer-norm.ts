import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';
import { sumRows } from './linear.js';

/**
 * LayerNorm (arXiv 1607.06450): (x - mean) / sqrt(variance + eps) * weight + bias over the last axis.
 * @param x [N, D]
 * @param weight [D]
 * @param bias [D]
 */
export function layerNorm(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor, eps: number): tf.Tensor {
  return differentiable(
    [x, weight, bias],
    () => {
      const { unit, scale } = standardise(x, eps);
      return { value: tf.add(tf.mul(unit, weight), bias), saved: [unit, scale, weight] };
    },
    (dy, [unit, scale, weight]) => [
      standardGradient(tf.mul(dy, weight), unit, scale),
      sumRows(tf.mul(dy, unit)),
      sumRows(dy),
    ],
  );
}

/**
 * (x - mean) / sqrt(variance + eps) over the last axis, without weight and bias.
 * @param x [N, D]
 */
export function unitLayerNorm(x: tf.Tensor, eps: number): tf.Tensor {
  return differentiable(
    [x],
    () => {
      const { unit, scale } = standardise(x, eps);
      return { value: unit, saved: [unit, scale] };
    },
    (dy, [unit, scale]) => [standardGradient(dy, unit, scale)],
  );
}

function standardise(x: tf.Tensor, eps: number): { unit: tf.Tensor; scale: tf.Tensor } {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const scale = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), eps));
  return { unit: tf.mul(centred, scale), scale };
}

/** dx = s (dy - mean(dy) - u mean(dy u)), u the standardised x and s = 1 / deviation. */
function standardGradient(dy: tf.Tensor, unit: tf.Tensor, scale: tf.Tensor): tf.Tensor {
  const along = tf.mul(unit, tf.mean(tf.mul(dy, unit), -1, true));
  return tf.mul(tf.sub(tf.sub(dy, tf.mean(dy, -1, true)), along), scale);
}
