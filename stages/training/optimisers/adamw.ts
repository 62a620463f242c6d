import * as tf from '@tensorflow/tfjs-core';
import { ownKernels } from '../../backend/kernels.js';
import type { Optimiser } from './optimiser.js';
import { takenIn } from './taken-in.js';

/** AdamW: Adam with decoupled weight decay. */
export interface AdamW {
  name: 'adamw';
  /** Decay of the mean of the gradients, 0.9 unless given. @minimum 0 @exclusiveMaximum 1 */
  beta1?: number;
  /** Decay of the mean of their squares: 0.95 in the contrastive stage, 0.98 in the generative one, unless given. @minimum 0 @exclusiveMaximum 1 */
  beta2?: number;
  /** Added to the root of that mean, 1e-8 unless given; with 0, a gradient of 0 would be divided by 0. @exclusiveMinimum 0 */
  epsilon?: number;
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101, algorithm 2), with epsilon where torch.optim.AdamW
 * has it. PyTorch's defaults.
 *
 * With c1 = 1 - beta1^t and c2 = 1 - beta2^t, `lr / c1 x m / (sqrt(v / c2) + eps)` is `(lr sqrt(c2) / c1) x m / (sqrt(v) + eps sqrt(c2))`.
 * On a processor one kernel of ours does all of it in one pass: 7 ms for 12 million values, at the speed of the memory.
 */
export function adamW({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: Omit<AdamW, 'name'>): Optimiser {
  return {
    slots: ['exp_avg', 'exp_avg_sq'],
    scalars: (t) => ({ first: 1 - beta1 ** t, second: 1 - beta2 ** t }),
    rule(corrections, { scale, counts }) {
      const take1 = tf.mul(counts, 1 - beta1);
      const take2 = tf.mul(counts, 1 - beta2);
      const keep1 = tf.sub(1, take1);
      const keep2 = tf.sub(1, take2);
      const usable = tf.where(tf.cast(counts, 'bool'), scale, 0);
      const scaled1 = tf.mul(take1, usable);
      const scaled2 = tf.mul(take2, tf.square(usable));
      const root = tf.sqrt(corrections.second!);
      const added = tf.mul(root, epsilon);
      const corrected = tf.mul(counts, tf.div(root, corrections.first!));

      return (learningRate, weightDecay) => {
        const rate = tf.mul(learningRate, corrected);
        const left = weightDecay === 0 ? undefined : tf.sub(1, tf.mul(tf.mul(learningRate, counts), weightDecay));
        const own = ownKernels();
        if (own !== undefined) {
          const factors = tf.stack([keep1, scaled1, keep2, scaled2, added, rate, left ?? tf.scalar(1)]);
          return ({ parameter, slots }, gradient) => {
            const inputs = [parameter, ...slots, gradient, factors];
            const [next, ...averages] = own.execute('AlignflowAdamw', [], inputs, 3);
            return { parameter: next!, slots: averages };
          };
        }
        return ({ parameter, slots }, gradient) => {
          const first = tf.add(tf.mul(slots[0]!, keep1), takenIn(gradient, scaled1));
          const second = tf.add(tf.mul(slots[1]!, keep2), takenIn(tf.square(gradient), scaled2));
          const step = tf.mul(tf.div(first, tf.add(tf.sqrt(second), added)), rate);
          const decayed = left === undefined ? parameter : tf.mul(parameter, left);
          return { parameter: tf.sub(decayed, step), slots: [first, second] };
        };
      };
    },
  };
}
