import * as tf from '@tensorflow/tfjs-core';
import type { Optimiser } from './optimiser.js';
import { takenIn } from './taken-in.js';

/** Stochastic gradient descent with momentum. Its weight decay is added to the gradient, as in PyTorch. */
export interface Sgd {
  name: 'sgd';
  /** What is kept of the last step, 0.9 unless given; 0 for none. @minimum 0 @exclusiveMaximum 1 */
  momentum?: number;
  /** Nesterov's form: looks one step of momentum ahead, which must be above 0. Off unless given. */
  nesterov?: boolean;
}

/** torch.optim.SGD without dampening (Sutskever et al. 2013, in PyTorch's form: the learning rate is outside the momentum). */
export function sgd({ momentum = 0.9, nesterov = false }: Omit<Sgd, 'name'>): Optimiser {
  return {
    slots: momentum === 0 ? [] : ['momentum_buffer'],
    scalars: () => ({}),
    rule(_, { scale, counts }) {
      const usable = tf.where(tf.cast(counts, 'bool'), scale, 0);
      // A skipped step keeps the buffer whole.
      const keep = tf.sub(1, tf.mul(counts, 1 - momentum));

      return (learningRate, weightDecay) => {
        const rate = tf.mul(learningRate, counts);
        const decay = tf.mul(counts, weightDecay);
        return ({ parameter, slots: [buffer] }, gradient) => {
          const clipped = takenIn(gradient, usable);
          const pull = weightDecay === 0 ? clipped : tf.add(clipped, tf.mul(parameter, decay));
          if (buffer === undefined) return { parameter: tf.sub(parameter, tf.mul(pull, rate)), slots: [] };
          const next = tf.add(tf.mul(buffer, keep), pull);
          const step = nesterov ? tf.add(pull, tf.mul(next, momentum)) : next;
          return { parameter: tf.sub(parameter, tf.mul(step, rate)), slots: [next] };
        };
      };
    },
  };
}
