import * as tf from '@tensorflow/tfjs-core';
import { floatType } from '../../backend/bfloat16.js';
import { ownKernels } from '../../backend/kernels.js';
import { floatAttribute, typeAttribute } from '../../backend/native.js';
import { differentiable } from './differentiable.js';

/** Tables of the rotary embedding for T positions and all heads side by side, each [T, D]. */
export interface RotaryTables {
  readonly cos: tf.Tensor;
  /** Sine with the sign of its term: minus in the first half of each head, plus in the second. */
  readonly sin: tf.Tensor;
}

/**
 * Tables for `rope`. Frequency i of a head of width d is base^(-2 i / d) (arXiv 2104.09864), the same for element i and
 * element i + d / 2 (the rotate-half layout of LLaMA checkpoints).
 *
 * @param first position of the first token
 * @param length number of tokens, T
 * @param width D, all heads
 */
export function rotaryTables(first: number, length: number, width: number, heads: number, base: number): RotaryTables {
  const headWidth = width / heads;
  const half = headWidth / 2;
  const cos = new Float32Array(length * width);
  const sin = new Float32Array(cos.length);
  for (let row = 0; row < length; row++) {
    for (let column = 0; column < width; column++) {
      const element = column % headWidth;
      const angle = (first + row) * base ** (-(element % half) / half);
      cos[row * width + column] = Math.cos(angle);
      sin[row * width + column] = element < half ? -Math.sin(angle) : Math.sin(angle);
    }
  }
  const shape: [number, number] = [length, width];
  return { cos: tf.tensor2d(cos, shape), sin: tf.tensor2d(sin, shape) };
}

/**
 * Rotary position embedding of LLaMA: x cos + rotateHalf(x) sin in each head.
 * @param x [B * T, D], heads side by side in D
 */
export function rope(x: tf.Tensor, heads: number, { cos, sin }: RotaryTables): tf.Tensor {
  const own = ownKernels();
  if (own !== undefined) {
    const rotated = (x: tf.Tensor, cos: tf.Tensor, sin: tf.Tensor, direction: 1 | -1) => {
      const numbers = [floatAttribute('heads', heads), floatAttribute('direction', direction)];
      return own.execute('AlignflowRope', [typeAttribute('T', floatType(x)), ...numbers], [x, cos, sin], 1)[0]!;
    };
    return differentiable(
      [x],
      () => ({ value: rotated(x, cos, sin, 1), saved: [cos, sin] }),
      (dy, [cos, sin]) => [rotated(dy, cos, sin, -1)],
    );
  }
  return differentiable(
    [x],
    () => ({ value: tf.add(byPosition(x, cos), byPosition(swapHalves(x, heads), sin)), saved: [cos, sin] }),
    // The inverse of a rotation is the rotation by the negative angle.
    (dy, [cos, sin]) => [tf.sub(byPosition(dy, cos), byPosition(swapHalves(dy, heads), sin))],
  );
}

/** Product of [B * T, D] with a table [T, D] for every B. */
function byPosition(x: tf.Tensor, table: tf.Tensor): tf.Tensor {
  return tf.reshape(tf.mul(tf.reshape(x, [-1, table.size]), tf.reshape(table, [1, -1])), x.shape);
}

/** The two halves of each head exchanged. */
function swapHalves(x: tf.Tensor, heads: number): tf.Tensor {
  return tf.reshape(tf.reverse(tf.reshape(x, [-1, heads, 2, x.shape[1]! / heads / 2]), 2), x.shape);
}
