import * as tf from '@tensorflow/tfjs-core';
import { asModule, moduleInUse } from '../module.js';

/** What the forward pass of an op gives: its value, and the tensors that its gradient needs. */
export interface Forward<S extends readonly tf.Tensor[]> {
  readonly value: tf.Tensor;
  readonly saved: S;
}

/**
 * Runs an op that has a gradient of its own.
 *
 * Temporary tensors of both passes are freed as each pass ends; of the forward pass only `saved` outlives it, and only
 * while gradients are being recorded. So `backward` must not reach for tensors of the forward pass in any other way.
 *
 * @param inputs tensors that the value depends on
 * @param backward from the gradient of the value to one gradient for each input, in their order and shapes
 */
export function differentiable<const S extends readonly tf.Tensor[]>(
  inputs: readonly tf.Tensor[],
  forward: () => Forward<S>,
  backward: (dy: tf.Tensor, saved: S) => tf.Tensor[],
): tf.Tensor {
  const module = moduleInUse();
  const op = tf.customGrad((...args) => {
    const save = args.at(-1) as tf.GradSaveFunc;
    const { value, saved } = forward();
    save([...saved]);
    return {
      value,
      gradFunc: (dy, kept) => asModule(module, () => tf.tidy(() => backward(dy, kept as readonly tf.Tensor[] as S))),
    };
  });
  return op(...inputs);
}
