import type * as tf from '@tensorflow/tfjs-core';
import type { Tensors } from '../../backend/program.js';

/** How the gradients of one step are taken in; scalars made in the step. */
export interface Intake {
  /** Factor on every gradient (clipping). */
  readonly scale: tf.Tensor;
  /** 1 when the step counts, 0 when it is skipped: then nothing changes, whatever the gradients hold. */
  readonly counts: tf.Tensor;
}

/** A parameter, or its new value, with the tensors that an optimiser keeps for it, one for each slot; all of one shape. */
export interface Adapted {
  readonly parameter: tf.Tensor;
  readonly slots: readonly tf.Tensor[];
}

/** One update of a parameter, from its state and its gradient. */
export type Update = (state: Adapted, gradient: tf.Tensor) => Adapted;

/** Makes the update of the parameters that have one learning rate (a scalar) and one weight decay. */
export type Rule = (learningRate: tf.Tensor, weightDecay: number) => Update;

/** What turns gradients into updates: pure, its state in tensors that the step carries from update to update. */
export interface Optimiser {
  /** What it keeps for each parameter, zeros at the start, by the names that `state_dict` of PyTorch's optimiser has. */
  readonly slots: readonly string[];
  /** Scalars of update `t`, from 1, that are fed: what could not be computed exactly in float32. */
  scalars(t: number): Readonly<Record<string, number>>;
  /** The rule of one step. All factors are folded into scalars first, so that few passes go over each tensor. */
  rule(scalars: Tensors, intake: Intake): Rule;
}
