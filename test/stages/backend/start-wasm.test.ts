import * as tf from '@tensorflow/tfjs-core';
import { expect, test, vi } from 'vitest';
import { startBackend } from '../../../stages/backend/start.js';
import { fakeTools } from './fake-tools.js';

/** A process of its own, in which TensorFlow is never loaded: gradients and kernels have to come without it. */

test('without a setup one line says why, once, and WebAssembly takes over', async () => {
  fakeTools();
  const lines: string[] = [];
  const backend = await startBackend({ warn: (line) => lines.push(line) });
  await startBackend({ prefer: 'tensorflow', warn: (line) => lines.push(line) });
  expect(backend).toMatchObject({ kind: 'wasm', native: undefined, obstacle: { reason: 'TensorFlow is not set up' } });
  expect(lines).toEqual([
    'alignflow: the WebAssembly backend is in use, which is slow: TensorFlow is not set up; run `alignflow setup`',
  ]);
});

test.each([
  [{ pip: false }, /there is none; install Python 3 with pip/],
  [{ compiler: false }, /a C\+\+ compiler, and there is none; install g\+\+/],
])('what is missing is named: %j', async (tools, line) => {
  fakeTools(tools);
  const lines: string[] = [];
  await startBackend({ prefer: 'tensorflow', warn: (text) => lines.push(text) });
  expect(lines).toEqual([expect.stringMatching(line)]);
});

test('ALIGNFLOW_BACKEND is obeyed, and refused when it cannot be', async () => {
  fakeTools();
  const lines: string[] = [];
  const warn = (line: string) => lines.push(line);
  vi.stubEnv('ALIGNFLOW_BACKEND', 'wasm');
  expect((await startBackend({ prefer: 'tensorflow', warn })).kind).toBe('wasm');
  expect(lines).toEqual([expect.stringMatching(/ALIGNFLOW_BACKEND=wasm asks for it$/)]);
  vi.stubEnv('ALIGNFLOW_BACKEND', 'tensorflow');
  await expect(startBackend({ warn })).rejects.toThrow(/asks for TensorFlow, but[\s\S]*alignflow setup/);
  vi.stubEnv('ALIGNFLOW_BACKEND', 'gpu');
  await expect(startBackend({ warn })).rejects.toThrow(/ALIGNFLOW_BACKEND=gpu is no backend/);
});

test('gradients are there, that of an embedding too, with repeated and unused rows', async () => {
  await startBackend({ prefer: 'wasm' });
  const before = tf.memory().numTensors;
  const gradient = tf.tidy(() => {
    const rows = tf.tensor1d([2, 0, 2], 'int32');
    const weights = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
    const loss = (table: tf.Tensor) => tf.sum(tf.mul(tf.gather(table, rows), weights));
    return tf
      .grad(loss)(tf.zeros([4, 2]))
      .arraySync();
  });
  expect(gradient).toEqual([
    [3, 4],
    [0, 0],
    [6, 8],
    [0, 0],
  ]);
  expect(tf.memory().numTensors).toBe(before);
});

test('segments outside of the range are left out, and whole numbers stay whole', async () => {
  await startBackend({ prefer: 'wasm' });
  const sums = tf.tidy(() => {
    const ids = tf.tensor1d([1, -1, 5, 1], 'int32');
    const result = tf.unsortedSegmentSum(tf.tensor1d([1, 2, 3, 4], 'int32'), ids, 2);
    return [result.dtype, result.arraySync()];
  });
  expect(sums).toEqual(['int32', [0, 5]]);
});
