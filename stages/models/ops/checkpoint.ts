/**
 * Activation checkpointing (Chen et al., arXiv 1604.06174): of a part of a model only its input is kept, and the gradient computes
 * the part again. The result is the same; a step takes less memory and about a third more time.
 */
import * as tf from '@tensorflow/tfjs-core';
import { after } from '../../backend/after.js';
import { createScope } from '../scope.js';
import { differentiable } from './differentiable.js';

type Tensors = Readonly<Record<string, tf.Tensor>>;

/** A part of a model: a hidden state to the next one. It reads nothing but its arguments. */
export type Part = (x: tf.Tensor, parameters: Tensors, constants: Tensors) => tf.Tensor;

const scope = createScope(false);

/** Runs `work` with its parts checkpointed, or not. */
export function withCheckpoints<Result>(on: boolean, work: () => Result): Result {
  return scope.within(on, work);
}

/** Whether parts are checkpointed now. */
export function checkpointsInUse(): boolean {
  return scope.current();
}

/**
 * The next hidden state, with the part checkpointed where that is in use.
 * @param parameters of the part, and whatever else gets a gradient: each is used
 * @param constants what else the part reads: masks, tables, factors. No gradient flows into them.
 */
export function checkpoint(x: tf.Tensor, parameters: Tensors, constants: Tensors, part: Part): tf.Tensor {
  if (!scope.current()) return part(x, parameters, constants);
  const [names, fixed] = [Object.keys(parameters), Object.keys(constants)];
  const named = (keys: readonly string[], tensors: readonly tf.Tensor[]): Tensors =>
    Object.fromEntries(keys.map((key, i) => [key, tensors[i]!]));
  return differentiable(
    [x, ...names.map((name) => parameters[name]!)],
    () => ({
      value: part(x, parameters, constants),
      saved: [x, ...Object.values(parameters), ...Object.values(constants)],
    }),
    (dy, saved) => {
      // A graph would merge equal ops of both passes and keep everything, were it not for an input that waits for the gradient.
      const start = after(saved[0]!, dy);
      const values = saved.slice(1, 1 + names.length);
      const rest = named(fixed, saved.slice(1 + names.length));
      const [dx, ...others] = gradientsOf(() => part(start, named(names, values), rest), [start, ...values], dy);
      // The part before waits for all gradients of this one: else TensorFlow goes ahead, with the values of several parts in memory.
      return [others.reduce((held, other) => after(held, other), dx!), ...others];
    },
  );
}

/** Gradients within the gradient of something else. tfjs keeps one tape, which another gradient would end. */
function gradientsOf(value: () => tf.Tensor, inputs: tf.Tensor[], dy: tf.Tensor): tf.Tensor[] {
  const { state } = tf.engine();
  const tape = state.activeTape;
  try {
    return tf.engine().gradients(value, inputs, dy).grads;
  } finally {
    state.activeTape = tape;
  }
}
