import * as tf from '@tensorflow/tfjs-core';
import { afterEach, expect, test, vi } from 'vitest';
import { nativeOps, typeAttribute } from '../../../stages/backend/native.js';
import { startBackend } from '../../../stages/backend/start.js';

afterEach(() => vi.unstubAllEnvs());

const product = () =>
  tf.tidy(() => Array.from(tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([5, 6, 7, 8], [2, 2])).dataSync()));

test('TensorFlow multiplies, runs its own kernels, and frees what tidy frees', async () => {
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

test('WebAssembly multiplies, differentiates, and has no native kernels', async () => {
  const backend = await startBackend({ prefer: 'wasm' });
  expect(backend).toMatchObject({ kind: 'wasm', native: undefined });
  expect(nativeOps()).toBeUndefined();
  expect(product()).toEqual([19, 22, 43, 50]);
  const slope = tf.tidy(
    () =>
      tf
        .grad((x) => tf.square(x))(tf.scalar(3))
        .dataSync()[0],
  );
  expect(slope).toBe(6);
});
