import * as tf from '@tensorflow/tfjs-core';
import { hidden } from './masks.js';

/**
 * Mask that hides what comes behind each sequence's end.
 * @param ends position of the last token that counts, int32 [S]
 * @param length number of positions, L
 * @returns [S, L]
 */
export function hideBehind(ends: tf.Tensor, length: number): tf.Tensor {
  const behind = tf.greater(tf.range(0, length, 1, 'int32'), tf.reshape(ends, [-1, 1]));
  return tf.mul(tf.cast(behind, 'float32'), hidden);
}

/**
 * Rows of [S * T, D] at one position in each sequence.
 * @param positions int32 [S]
 * @param length T
 * @returns int32 [S]
 */
export function rowsAt(positions: tf.Tensor, length: number): tf.Tensor {
  const firsts = tf.mul(tf.range(0, positions.shape[0]!, 1, 'int32'), tf.scalar(length, 'int32'));
  return tf.add(firsts, positions);
}
