import * as tf from '@tensorflow/tfjs-core';
import { AlignflowError } from '../../pipeline/errors.js';
import type { Step, Tensors } from '../backend/program.js';
import { type Precision, withPrecision } from '../models/ops/precision.js';
import { type AdamWOptions, type Adapted, adamW } from './adamw.js';
import { clipScale, globalNorm } from './clip.js';
import type { TrainedParameter } from './groups.js';

/** What training minimises: a scalar loss and other scalars worth watching, from the parameters and the feeds of a batch. */
export type Objective = (
  parameters: Tensors,
  feeds: Tensors,
) => { readonly loss: tf.Tensor; readonly metrics?: Readonly<Record<string, tf.Tensor>> };

/** Settings of a training step that hold for a whole run. */
export interface StepOptions {
  readonly adamW: AdamWOptions;
  /** Largest global norm of the gradients; larger ones are scaled down to it. */
  readonly clipNorm: number;
  /** Of the matrix products, forwards and backwards; float32 unless given. The loss is computed in float32 whatever it is. */
  readonly precision?: Precision;
  /** Bounds of single parameters, kept after each update: CLIP's logit scale stays below ln 100. */
  readonly bounds?: Readonly<Record<string, readonly [lowest: number, highest: number]>>;
}

/** Names of the variables that hold the two moments of a parameter: PyTorch's names before the parameter's own. */
export const momentNames = (parameter: string) => ({
  first: `exp_avg.${parameter}`,
  second: `exp_avg_sq.${parameter}`,
});

/** Whether a variable is a moment rather than a parameter. */
export const isMoment = (variable: string) => /^exp_avg(_sq)?\./.test(variable);

/** Names of the scalars that the trainer feeds beside the batch. */
export const rateFeeds = {
  learningRate: (group: number) => `learning_rate.${group}`,
  firstCorrection: 'bias_correction.first',
  secondCorrection: 'bias_correction.second',
};

/** The moments that training starts from: zeros, two for each trained parameter. */
export function initialMoments(parameters: Tensors, trained: readonly TrainedParameter[]): Record<string, tf.Tensor> {
  const moments: Record<string, tf.Tensor> = {};
  for (const { name } of trained) {
    const { first, second } = momentNames(name);
    moments[first] = tf.zerosLike(parameters[name]!);
    moments[second] = tf.zerosLike(parameters[name]!);
  }
  return moments;
}

/**
 * The step of every training stage: loss, gradients of the trained parameters alone, clipping by the global norm, AdamW.
 * Its variables are the parameters and the moments, its outputs `loss`, `gradient_norm`, `counts` (1, or 0 when loss or norm is
 * not finite and the step changes nothing) and the objective's metrics.
 */
export function trainingStep(objective: Objective, trained: readonly TrainedParameter[], options: StepOptions): Step {
  return (variables, feeds) => {
    const { loss, metrics, gradients } = withPrecision(options.precision ?? 'fp32', () =>
      differentiate(objective, trained, variables, feeds),
    );
    const norm = globalNorm(gradients);
    const counts = tf.cast(tf.isFinite(tf.add(loss, norm)), 'float32');
    const corrections = {
      first: feeds[rateFeeds.firstCorrection]!,
      second: feeds[rateFeeds.secondCorrection]!,
    };
    const scale = clipScale(norm, options.clipNorm);
    const update = adamW(options.adamW, corrections, { scale, counts });

    const updaters = new Map<string, (state: Adapted, gradient: tf.Tensor) => Adapted>();
    const updates: Record<string, tf.Tensor> = {};
    trained.forEach(({ name, group, weightDecay }, i) => {
      const key = `${group} ${weightDecay}`;
      const updater = updaters.get(key) ?? update(feeds[rateFeeds.learningRate(group)]!, weightDecay);
      updaters.set(key, updater);
      const moments = momentNames(name);
      const state = {
        parameter: variables[name]!,
        first: variables[moments.first]!,
        second: variables[moments.second]!,
      };
      const next = updater(state, gradients[i]!);
      const bounds = options.bounds?.[name];
      updates[name] = bounds === undefined ? next.parameter : tf.clipByValue(next.parameter, ...bounds);
      updates[moments.first] = next.first;
      updates[moments.second] = next.second;
    });
    return { outputs: { ...metrics, loss, gradient_norm: norm, counts }, updates };
  };
}

/** Loss, metrics and the gradient of each trained parameter, in their order. */
function differentiate(
  objective: Objective,
  trained: readonly TrainedParameter[],
  parameters: Tensors,
  feeds: Tensors,
) {
  const metrics: Record<string, tf.Tensor> = {};
  const forward = () => {
    const result = objective(parameters, feeds);
    // Tensors of the forward pass die with it, so what is only looked at must be kept through it.
    for (const [name, value] of Object.entries(result.metrics ?? {})) metrics[name] = tf.keep(value.clone());
    return result.loss;
  };
  const inputs = trained.map(({ name }) => parameters[name]!);
  const { value, grads } = tf.engine().gradients(forward, inputs, undefined, true);
  const kept = Object.fromEntries(
    Object.entries(metrics).map(([name, metric]) => {
      const clone = metric.clone();
      metric.dispose();
      return [name, clone];
    }),
  );
  const unreached = trained.filter((_, i) => grads[i] == null).map(({ name }) => name);
  if (unreached.length > 0) {
    throw new AlignflowError({
      what: `the loss does not depend on ${unreached.length} trained parameters, the first of them ${unreached[0]}`,
      expected: 'a loss that reaches each parameter of a trained group',
      fix: 'freeze these parameters',
    });
  }
  return { loss: value, metrics: kept, gradients: grads };
}
