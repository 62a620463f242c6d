import * as tf from '@tensorflow/tfjs-core';

/** Numbers from -0.5 to 0.5 that look random and are the same everywhere, in the reference scripts too. */
export function noise(shape: readonly number[], seed: number): tf.Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  const values = Float32Array.from({ length: size }, (_, i) => Math.sin((i + 1) * 12.9898 + seed * 78.233) * 0.5);
  return tf.tensor(values, [...shape]);
}
