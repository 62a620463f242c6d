import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { tensorflowBackend } from '../../../stages/backend/addon.js';
import { startBackend } from '../../../stages/backend/start.js';
import { inModule } from '../../../stages/models/module.js';
import { linear } from '../../../stages/models/ops/linear.js';
import { openOpClock } from '../../../stages/profile/op-clock.js';

const { kind } = await startBackend({ warn: () => {} });

describe.skipIf(kind !== 'tensorflow')('the op clock', () => {
  it('tells of each op its module, its time and the arithmetic of products, backwards too', () => {
    const backend = tensorflowBackend()!;
    const addon = backend.binding;
    const clock = openOpClock(backend);
    try {
      const [x, weight] = [tf.ones([6, 4]), tf.ones([3, 4])];
      const gradient = tf.grad((w) => inModule('tower', () => inModule('mlp', () => tf.sum(linear(x, w)))))(weight);
      expect(gradient.shape).toEqual([3, 4]);
      const ops = clock.take();
      const products = ops.filter(({ flops }) => flops > 0);
      // x W^T, then dy^T x: the gradient of x is nobody's.
      expect(products.map(({ name, module }) => [name, module])).toEqual(products.map(() => ['MatMul', 'tower.mlp']));
      expect(products.map(({ flops }) => flops)).toContain(2 * 6 * 4 * 3);
      for (const { start, milliseconds } of ops) {
        expect(start).toBeGreaterThan(0);
        expect(milliseconds).toBeGreaterThanOrEqual(0);
      }
      expect(clock.take()).toEqual([]);
      tf.dispose([x, weight, gradient]);
    } finally {
      clock.close();
    }
    expect(backend.binding).toBe(addon);
  });

  it('knows how much memory tensors had at most, and which module made them', () => {
    const backend = tensorflowBackend()!;
    const clock = openOpClock(backend);
    try {
      // An op's result: values made in JavaScript become a tensor where they are first used.
      const start = tf.tidy(() => tf.add(tf.zeros([250]), 1));
      const first = inModule('one', () => tf.add(start, 1));
      const second = inModule('two', () => tf.add(first, 1));
      tf.dispose([first, second]);
      tf.dispose(inModule('three', () => tf.add(start, 2)));
      const { bytes, modules } = clock.peak();
      for (const module of ['one', 'two']) {
        expect(modules.get(module)).toBeGreaterThanOrEqual(1000);
        expect(modules.get(module)).toBeLessThan(1100);
      }
      expect(modules.has('three')).toBe(false);
      expect(bytes).toBeGreaterThanOrEqual(3000);
      start.dispose();
    } finally {
      clock.close();
    }
  });
});
