import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { findInstallation } from '../../../stages/backend/installation.js';
import {
  boolAttribute,
  floatAttribute,
  intAttribute,
  nativeOps,
  shapeAttribute,
  stringAttribute,
  typeAttribute,
} from '../../../stages/backend/native.js';
import { startBackend } from '../../../stages/backend/start.js';

const product = () =>
  tf.tidy(() => Array.from(tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([5, 6, 7, 8], [2, 2])).dataSync()));

/** Where TensorFlow cannot be had, `npm test` has said so before it comes here. */
const without = findInstallation() === undefined;

test.skipIf(without)('TensorFlow multiplies, runs its own kernels, and frees what tidy frees', async () => {
  const backend = await startBackend({ prefer: 'tensorflow' });
  expect(backend).toMatchObject({ kind: 'tensorflow', version: '2.21.0' });
  expect(product()).toEqual([19, 22, 43, 50]);
  const before = tf.memory().numTensors;
  const roots = tf.tidy(() => {
    const [root] = backend.native?.execute('Rsqrt', [typeAttribute('T', 'float32')], [tf.tensor1d([4, 16])], 1) ?? [];
    return Array.from(root?.dataSync() ?? []);
  });
  expect(roots).toEqual([0.5, 0.25]);
  expect(tf.memory().numTensors).toBe(before);
});

test.skipIf(without)(
  'a call without a preference gives the backend in use; another preference changes it',
  async () => {
    await startBackend({ prefer: 'tensorflow' });
    expect((await startBackend()).kind).toBe('tensorflow');
    expect(await startBackend({ prefer: 'wasm' })).toMatchObject({
      kind: 'wasm',
      native: undefined,
      obstacle: undefined,
    });
    expect(nativeOps()).toBeUndefined();
    expect(product()).toEqual([19, 22, 43, 50]);
    expect((await startBackend()).kind).toBe('wasm');
    await startBackend({ prefer: 'tensorflow' });
    expect(nativeOps()).toBeDefined();
  },
);

test.skipIf(without)(
  'attributes of each type reach the kernel, and its own message comes back when they do not fit',
  async () => {
    const { native } = await startBackend({ prefer: 'tensorflow' });
    if (native === undefined) throw new Error('TensorFlow is not in use');
    const values = tf.tidy(() => {
      const x = tf.tensor2d([1, 2, 3, 4], [2, 2]);
      const T = typeAttribute('T', 'float32');
      const flags = [boolAttribute('transpose_a', true), boolAttribute('transpose_b', false)];
      const [product] = native.execute('MatMul', [T, ...flags], [x, x], 1);
      const einsum = [stringAttribute('equation', 'ij,kj->ik'), intAttribute('N', 2), T];
      const [sums] = native.execute('Einsum', einsum, [x, x], 1);
      const [leaky] = native.execute('LeakyRelu', [T, floatAttribute('alpha', 0.5)], [tf.neg(x)], 1);
      const [same] = native.execute('EnsureShape', [T, shapeAttribute('shape', [2, 2])], [x], 1);
      const [pooled] = native.execute('Squeeze', [T, intAttribute('squeeze_dims', [0])], [tf.reshape(x, [1, 2, 2])], 1);
      return [product, sums, leaky, same, pooled].map((tensor) => [
        tensor?.shape,
        Array.from(tensor?.dataSync() ?? []),
      ]);
    });
    expect(values).toEqual([
      [
        [2, 2],
        [10, 14, 14, 20],
      ],
      [
        [2, 2],
        [5, 11, 11, 25],
      ],
      [
        [2, 2],
        [-0.5, -1, -1.5, -2],
      ],
      [
        [2, 2],
        [1, 2, 3, 4],
      ],
      [
        [2, 2],
        [1, 2, 3, 4],
      ],
    ]);
    expect(() => native.execute('NoSuchOp', [], [], 1)).toThrow(/NoSuchOp/);
  },
);
