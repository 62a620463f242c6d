import * as tf from '@tensorflow/tfjs-core';

/** Name of the variable that holds the moving average of a parameter. */
export const averageName = (parameter: string) => `ema.${parameter}`;

/**
 * The update of an exponential moving average of parameters: `average + (1 - decay)(parameter - average)`, that of
 * torch.optim.swa_utils.get_ema_multi_avg_fn. A step that does not count leaves it as it is.
 *
 * @param counts 1 or 0, a scalar
 */
export function movingAverage(
  decay: number,
  counts: tf.Tensor,
): (average: tf.Tensor, parameter: tf.Tensor) => tf.Tensor {
  const share = tf.mul(counts, 1 - decay);
  return (average, parameter) => tf.add(average, tf.mul(tf.sub(parameter, average), share));
}
