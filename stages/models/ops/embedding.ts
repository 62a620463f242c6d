import * as tf from '@tensorflow/tfjs-core';
import { nativeOps } from '../../backend/native.js';
import { differentiable } from './differentiable.js';

/**
 * Rows of a table by index: tokens of a vocabulary, kept patches of a sequence.
 * @param table [R, D]
 * @param indices int32 [N]
 * @returns [N, D]
 */
export function takeRows(table: tf.Tensor, indices: tf.Tensor): tf.Tensor {
  const [rows, width] = table.shape as [number, number];
  return differentiable(
    [table],
    () => ({ value: tf.gather(table, indices as tf.Tensor1D), saved: [indices] }),
    (dy, [indices]) => [
      nativeOps() === undefined
        ? tf.scatterND(tf.reshape(indices, [-1, 1]), dy, [rows, width])
        : tf.unsortedSegmentSum(dy, indices as tf.Tensor1D, rows),
    ],
  );
}
