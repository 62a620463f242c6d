import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { usesGpu } from '../../../../stages/backend/gpu.js';
import { useNativeGather } from '../../../../stages/backend/graph/gather.js';
import { startBackend } from '../../../../stages/backend/start.js';

const { kind } = await startBackend({ warn: () => {} });

describe.skipIf(kind !== 'tensorflow')("tf.gather with TensorFlow's own kernel", () => {
  useNativeGather();
  useNativeGather();

  it('takes rows, columns, and rows of each batch', () => {
    const tensors = tf.memory().numTensors;
    tf.tidy(() => {
      const x = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
      const rows = tf.gather(x, tf.tensor1d([1, 1, 0], 'int32'));
      expect([rows.shape, [...rows.dataSync()]]).toEqual([
        [3, 3],
        [4, 5, 6, 4, 5, 6, 1, 2, 3],
      ]);
      const columns = tf.gather(x, tf.tensor2d([2, 0], [1, 2], 'int32'), 1);
      expect([columns.shape, [...columns.dataSync()]]).toEqual([
        [2, 1, 2],
        [3, 1, 6, 4],
      ]);
      const each = tf.gather(x, tf.tensor2d([0, 2], [2, 1], 'int32'), 1, 1);
      expect([...each.dataSync()]).toEqual([1, 6]);
    });
    expect(tf.memory().numTensors).toBe(tensors);
  });

  // CUDA's kernel checks nothing and gives zeros.
  it.skipIf(usesGpu())('says which index is out of bounds, and leaves nothing behind', () => {
    const x = tf.tensor1d([1, 2]);
    const rows = tf.tensor1d([0, 5], 'int32');
    const tensors = tf.memory().numTensors;
    expect(() => tf.tidy(() => tf.gather(x, rows))).toThrow('indices[1] = 5 is not in [0, 2)');
    expect(tf.memory().numTensors).toBe(tensors);
    tf.dispose([x, rows]);
  });
});
