import * as tf from '@tensorflow/tfjs-core';
import type { Step, StepResult, Tensors } from '../backend/program.js';
import { inModule } from '../models/module.js';
import { withCheckpoints } from '../models/ops/checkpoint.js';
import { withPrecision } from '../models/ops/precision.js';
import { clipScale, globalNorm } from './clip.js';
import { averageName, movingAverage } from './ema.js';
import { checkReached, type TrainedParameter } from './groups.js';
import { optimisersOf } from './optimisers/create.js';
import type { Rule } from './optimisers/optimiser.js';
import { rateFeeds } from './rates.js';
import type { Recipe } from './recipe.js';

/** What training minimises: a scalar loss and other scalars worth watching, from the parameters and the feeds of a batch. */
export type Objective = (
  parameters: Tensors,
  feeds: Tensors,
) => { readonly loss: tf.Tensor; readonly metrics?: Readonly<Record<string, tf.Tensor>> };

/** Name of the variable that holds what an optimiser keeps for a parameter. */
export const slotName = (slot: string, parameter: string) => `${slot}.${parameter}`;

/** Whether a variable belongs to the training, not to the model: an optimiser's slot, or a moving average. */
export const isTrainingState = (variable: string) => /^(exp_avg|exp_avg_sq|momentum_buffer|ema)\./.test(variable);

/** What a run keeps beside the parameters: the optimisers' slots and the averages, each with the parameter that it belongs to. */
export function stateOf(
  trained: readonly TrainedParameter[],
  recipe: Recipe,
): { readonly name: string; readonly parameter: string; readonly isAverage: boolean }[] {
  const optimisers = optimisersOf(recipe);
  return trained.flatMap((trained) => {
    const parameter = trained.name;
    const { slots } = optimisers.all[optimisers.of(trained)]!;
    return [
      ...slots.map((slot) => ({ name: slotName(slot, parameter), parameter, isAverage: false })),
      ...(recipe.ema === undefined ? [] : [{ name: averageName(parameter), parameter, isAverage: true }]),
    ];
  });
}

/** What a run starts from beside the parameters: zeros in the optimisers' slots, and averages that are the parameters. */
export function initialState(
  parameters: Tensors,
  trained: readonly TrainedParameter[],
  recipe: Recipe,
): Record<string, () => tf.Tensor> {
  return Object.fromEntries(
    stateOf(trained, recipe).map(({ name, parameter, isAverage }) => {
      const value = parameters[parameter]!;
      return [name, () => (isAverage ? value.clone() : tf.zerosLike(value))];
    }),
  );
}

/**
 * The step of every training stage: loss, gradients of the trained parameters alone, clipping by the global norm, the update of
 * each parameter by its group's optimiser, its moving average. Its variables are the parameters and `initialState`, its outputs
 * `loss`, `gradient_norm`, `counts` (1, or 0 when loss or norm is not finite and the step changes nothing) and the objective's
 * metrics.
 */
export function trainingStep(objective: Objective, trained: readonly TrainedParameter[], recipe: Recipe): Step {
  const apply = updateRule(trained, recipe);
  return (variables, feeds) => {
    const { loss, metrics, gradients } = asTheRecipeSays(recipe, () =>
      differentiate(objective, trained, variables, feeds),
    );
    const { outputs, updates } = apply(variables, feeds, loss, gradients);
    return { outputs: { ...metrics, loss, ...outputs }, updates };
  };
}

/** Runs the passes over a model in the precision of a recipe, with its layers checkpointed or not. */
export function asTheRecipeSays<Result>(
  { precision = 'fp32', activationCheckpointing = false }: Recipe,
  work: () => Result,
): Result {
  return withPrecision(precision, () => withCheckpoints(activationCheckpointing, work));
}

/**
 * What a step does with the gradients of the trained parameters, in their order: its outputs are `gradient_norm` and `counts`, its
 * updates those of the parameters and of their state.
 */
export function updateRule(trained: readonly TrainedParameter[], recipe: Recipe) {
  const optimisers = optimisersOf(recipe);
  return (variables: Tensors, feeds: Tensors, loss: tf.Tensor, gradients: readonly tf.Tensor[]): StepResult => {
    const norm = inModule('gradient norm', () => globalNorm(gradients));
    const counts = tf.cast(tf.isFinite(tf.add(loss, norm)), 'float32');
    const intake = { scale: clipScale(norm, recipe.clipNorm), counts };
    const rules = optimisers.all.map((optimiser, i): Rule => optimiser.rule(scalarsOf(feeds, i), intake));
    const updateOf = remembered((parameter: TrainedParameter) => {
      const { group, weightDecay, rateFactor } = parameter;
      const rate = feeds[rateFeeds.learningRate(group)]!;
      return rules[optimisers.of(parameter)]!(rateFactor === 1 ? rate : tf.mul(rate, rateFactor), weightDecay);
    });
    const average = recipe.ema === undefined ? undefined : movingAverage(recipe.ema, counts);

    const updates: Record<string, tf.Tensor> = {};
    const update = (parameter: TrainedParameter, i: number) => {
      const { name } = parameter;
      const slots = optimisers.all[optimisers.of(parameter)]!.slots.map((slot) => slotName(slot, name));
      const state = { parameter: variables[name]!, slots: slots.map((slot) => variables[slot]!) };
      const next = updateOf(parameter)(state, gradients[i]!);
      const bounds = recipe.bounds?.[name];
      const value = bounds === undefined ? next.parameter : tf.clipByValue(next.parameter, ...bounds);
      updates[name] = value;
      slots.forEach((slot, s) => {
        updates[slot] = next.slots[s]!;
      });
      if (average !== undefined) updates[averageName(name)] = average(variables[averageName(name)]!, value);
    };
    // In the precision of the passes: Muon's updates are products of matrices.
    inModule('optimiser', () => withPrecision(recipe.precision ?? 'fp32', () => trained.forEach(update)));
    return { outputs: { gradient_norm: norm, counts }, updates };
  };
}

/** The scalars that are fed for an optimiser, by its own names. */
function scalarsOf(feeds: Tensors, optimiser: number): Tensors {
  const prefix = rateFeeds.scalar(optimiser, '');
  return Object.fromEntries(
    Object.entries(feeds).flatMap(([name, feed]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), feed]] : [],
    ),
  );
}

/** Makes what parameters of one optimiser, group, weight decay and factor share once. */
function remembered<T>(make: (parameter: TrainedParameter) => T): (parameter: TrainedParameter) => T {
  const made = new Map<string, T>();
  return (parameter) => {
    const key = [parameter.group, parameter.isLayerMatrix, parameter.weightDecay, parameter.rateFactor].join(' ');
    const value = made.get(key) ?? make(parameter);
    made.set(key, value);
    return value;
  };
}

/** Loss, metrics and the gradient of each trained parameter, in their order. */
function differentiate(
  objective: Objective,
  trained: readonly TrainedParameter[],
  parameters: Tensors,
  feeds: Tensors,
) {
  const inputs = trained.map(({ name }) => parameters[name]!);
  const { loss, metrics, gradients } = lossGradients(() => objective(parameters, feeds), inputs);
  checkReached(trained.filter((_, i) => gradients[i] == null));
  return { loss, metrics, gradients };
}

/** A loss, its metrics, and its gradient by each input, which is null for one that it does not depend on. */
export function lossGradients(work: () => ReturnType<Objective>, inputs: tf.Tensor[]) {
  const seen: Record<string, tf.Tensor> = {};
  const forward = () => {
    const { loss, metrics = {} } = work();
    // Tensors of the forward pass die with it, so what is only looked at must be kept through it.
    for (const [name, value] of Object.entries(metrics)) seen[name] = tf.keep(value.clone());
    return loss;
  };
  const { value, grads } = tf.engine().gradients(forward, inputs, undefined, true);
  const metrics = Object.entries(seen).map(([name, metric]) => {
    const clone = metric.clone();
    metric.dispose();
    return [name, clone] as const;
  });
  return { loss: value, metrics: Object.fromEntries(metrics), gradients: grads };
}
