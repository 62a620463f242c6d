import * as tf from '@tensorflow/tfjs-core';
import { product } from '../../models/ops/product.js';
import type { Optimiser } from './optimiser.js';
import { takenIn } from './taken-in.js';

/**
 * Muon for the matrices of layers, each of whose steps moves all directions alike; AdamW for all else, at the same learning rate. From scratch
 * it learns more in a step: emoji in 1,200 steps, 36.5 and 38.3 % of recall instead of AdamW's 26.2 and 28.3.
 */
export interface Muon {
  name: 'muon';
  /** Decay of the mean of the gradients of matrices, 0.95 unless given. @minimum 0 @exclusiveMaximum 1 */
  momentum?: number;
  /** Factor on the learning rate of matrices; 1 unless given: with it, their steps are as long as AdamW's. @exclusiveMinimum 0 */
  factor?: number;
  /** AdamW's `beta1` for all else. @minimum 0 @exclusiveMaximum 1 */
  beta1?: number;
  /** AdamW's `beta2` for all else. @minimum 0 @exclusiveMaximum 1 */
  beta2?: number;
  /** AdamW's `epsilon` for all else. @exclusiveMinimum 0 */
  epsilon?: number;
}

/** Of the polynomial a x + b x^3 + c x^5 that brings singular values near 1, fast where they are small. */
const [a, b, c] = [3.4445, -4.775, 2.0315];
const ITERATIONS = 5;
/** Root mean square of AdamW's steps. */
const ADAMW_STEP = 0.2;

/**
 * Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/) with Nesterov's momentum, scaled to the size of AdamW's steps and with its
 * decoupled weight decay (arXiv 2502.16982, section 2.2): torch.optim.Muon with `adjust_lr_fn="match_rms_adamw"`. Its products are in
 * the precision in use; PyTorch's are in bfloat16 always. For matrices alone.
 */
export function muon({ momentum = 0.95, factor = 1 }: Pick<Muon, 'momentum' | 'factor'>): Optimiser {
  return {
    slots: ['momentum_buffer'],
    scalars: () => ({}),
    rule(_, { scale, counts }) {
      const take = tf.mul(counts, 1 - momentum);
      const keep = tf.sub(1, take);
      const usable = tf.where(tf.cast(counts, 'bool'), scale, 0);
      const taken = tf.mul(take, usable);
      const ahead = tf.mul(usable, 1 - momentum);

      return (learningRate, weightDecay) => {
        const rate = tf.mul(learningRate, counts);
        const left = weightDecay === 0 ? undefined : tf.sub(1, tf.mul(rate, weightDecay));
        return ({ parameter, slots }, gradient) => {
          const mean = tf.add(tf.mul(slots[0]!, keep), takenIn(gradient, taken));
          const direction = orthogonal(tf.add(tf.mul(mean, momentum), takenIn(gradient, ahead)));
          const length = factor * ADAMW_STEP * Math.sqrt(Math.max(...parameter.shape));
          const decayed = left === undefined ? parameter : tf.mul(parameter, left);
          return { parameter: tf.sub(decayed, tf.mul(direction, tf.mul(rate, length))), slots: [mean] };
        };
      };
    },
  };
}

/** U V^T of a matrix U S V^T, but for singular values of 0.7 to 1.2, by Newton-Schulz iterations; zeros of zeros. */
function orthogonal(x: tf.Tensor): tf.Tensor {
  const isTall = x.shape[0]! > x.shape[1]!;
  let y = tf.div(x, tf.maximum(tf.sqrt(tf.sum(tf.square(x))), 1e-7));
  for (let i = 0; i < ITERATIONS; i++) {
    // Products of the shorter side with itself.
    const gram = product(y, y, isTall ? { a: true } : { b: true });
    const change = tf.add(tf.mul(gram, b), tf.mul(product(gram, gram), c));
    y = tf.add(tf.mul(y, a), isTall ? product(y, change) : product(change, y));
  }
  return y;
}
