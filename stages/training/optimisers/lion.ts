import * as tf from '@tensorflow/tfjs-core';
import type { Optimiser } from './optimiser.js';
import { takenIn } from './taken-in.js';

/** Lion: steps of one size, in the direction of the sign of a mean of the gradients; wants a third to a tenth of AdamW's learning rate. */
export interface Lion {
  name: 'lion';
  /** Share of the mean in the direction of a step, 0.9 unless given. @minimum 0 @exclusiveMaximum 1 */
  beta1?: number;
  /** Decay of the mean of the gradients, 0.99 unless given. @minimum 0 @exclusiveMaximum 1 */
  beta2?: number;
}

/** Lion with decoupled weight decay (Chen et al., arXiv 2302.06675, algorithm 2, with its defaults). */
export function lion({ beta1 = 0.9, beta2 = 0.99 }: Omit<Lion, 'name'>): Optimiser {
  return {
    slots: ['exp_avg'],
    scalars: () => ({}),
    rule(_, { scale, counts }) {
      const usable = tf.where(tf.cast(counts, 'bool'), scale, 0);
      const share = tf.mul(usable, 1 - beta1);
      const take = tf.mul(counts, 1 - beta2);
      const keep = tf.sub(1, take);
      const taken = tf.mul(take, usable);

      return (learningRate, weightDecay) => {
        const rate = tf.mul(learningRate, counts);
        const left = weightDecay === 0 ? undefined : tf.sub(1, tf.mul(rate, weightDecay));
        return ({ parameter, slots }, gradient) => {
          const mean = slots[0]!;
          const direction = tf.sign(tf.add(tf.mul(mean, beta1), takenIn(gradient, share)));
          const decayed = left === undefined ? parameter : tf.mul(parameter, left);
          return {
            parameter: tf.sub(decayed, tf.mul(direction, rate)),
            slots: [tf.add(tf.mul(mean, keep), takenIn(gradient, taken))],
          };
        };
      };
    },
  };
}
