import * as tf from '@tensorflow/tfjs-core';
import { nativeOps, typeAttribute } from '../backend/native.js';

/** Settings of AdamW that hold for a whole run. */
export interface AdamWOptions {
  /** Decay of the mean of the gradients, 0 to 1. */
  readonly beta1: number;
  /** Decay of the mean of their squares, 0 to 1. */
  readonly beta2: number;
  /** Added to the root of the second moment. */
  readonly epsilon: number;
}

/** PyTorch's defaults, but for `beta2`, where contrastive training does better with 0.95 to 0.98 (SigLIP, arXiv 2303.15343, 4.7). */
export const adamWDefaults: AdamWOptions = { beta1: 0.9, beta2: 0.98, epsilon: 1e-8 };

/** 1 - beta^t of both moments, with t the number of this update from 1; scalars that are fed. */
export interface BiasCorrections {
  readonly first: tf.Tensor;
  readonly second: tf.Tensor;
}

/** How the gradients of one step are taken in; scalars made in the step. */
export interface Intake {
  /** Factor on every gradient (clipping). */
  readonly scale: tf.Tensor;
  /** 1 when the step counts, 0 when it is skipped: then nothing changes, whatever the gradients hold. */
  readonly counts: tf.Tensor;
}

/** A parameter, or its new value, with its two moments; all of one shape. */
export interface Adapted {
  readonly parameter: tf.Tensor;
  /** Mean of the gradients: `exp_avg` in PyTorch. */
  readonly first: tf.Tensor;
  /** Mean of the squared gradients: `exp_avg_sq` in PyTorch. */
  readonly second: tf.Tensor;
}

/** One update of a parameter, from its state and its gradient. */
export type Update = (state: Adapted, gradient: tf.Tensor) => Adapted;

/** The values of the bias corrections for update `t`, from 1. */
export function biasCorrections(t: number, { beta1, beta2 }: AdamWOptions): { first: number; second: number } {
  return { first: 1 - beta1 ** t, second: 1 - beta2 ** t };
}

/**
 * AdamW for one step: Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101, algorithm 2), with epsilon
 * where torch.optim.AdamW has it. Gives a function that makes the update of a parameter from its group's scalars.
 *
 * All factors are folded into scalars first, so that few passes go over each tensor: clipping and skipping cost none, and with
 * c1 = 1 - beta1^t and c2 = 1 - beta2^t, `lr / c1 x m / (sqrt(v / c2) + eps)` is `(lr sqrt(c2) / c1) x m / (sqrt(v) + eps sqrt(c2))`.
 * Plain ops are enough: in a compiled step of the `tiny` model they take 2 % of its processor time, clipping and norm 1 %.
 */
export function adamW(
  options: AdamWOptions,
  corrections: BiasCorrections,
  { scale, counts }: Intake,
): (learningRate: tf.Tensor, weightDecay: number) => Update {
  const take1 = tf.mul(counts, 1 - options.beta1);
  const take2 = tf.mul(counts, 1 - options.beta2);
  const keep1 = tf.sub(1, take1);
  const keep2 = tf.sub(1, take2);
  const usable = tf.where(tf.cast(counts, 'bool'), scale, 0);
  const scaled1 = tf.mul(take1, usable);
  const scaled2 = tf.mul(take2, tf.square(usable));
  const root = tf.sqrt(corrections.second);
  const epsilon = tf.mul(root, options.epsilon);
  const corrected = tf.mul(counts, tf.div(root, corrections.first));

  return (learningRate, weightDecay) => {
    const rate = tf.mul(learningRate, corrected);
    const left = weightDecay === 0 ? undefined : tf.sub(1, tf.mul(tf.mul(learningRate, counts), weightDecay));
    return (state, gradient) => {
      const first = tf.add(tf.mul(state.first, keep1), productOrZero(gradient, scaled1));
      const second = tf.add(tf.mul(state.second, keep2), productOrZero(tf.square(gradient), scaled2));
      const step = tf.mul(tf.div(first, tf.add(tf.sqrt(second), epsilon)), rate);
      const decayed = left === undefined ? state.parameter : tf.mul(state.parameter, left);
      return { parameter: tf.sub(decayed, step), first, second };
    };
  };
}

/** `tensor` times a scalar, and 0 where the scalar is 0, even for elements that are not finite. */
function productOrZero(tensor: tf.Tensor, factor: tf.Tensor): tf.Tensor {
  const native = nativeOps();
  if (native === undefined) return tf.where(tf.equal(factor, 0), tf.zerosLike(tensor), tf.mul(tensor, factor));
  return native.execute('MulNoNan', [typeAttribute('T', 'float32')], [tensor, factor], 1)[0]!;
}
