import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compiledProgram } from '../../../../stages/backend/graph/compiled.js';
import { eagerProgram } from '../../../../stages/backend/program.js';
import { startBackend } from '../../../../stages/backend/start.js';
import { linear } from '../../../../stages/models/ops/linear.js';
import { precisionInUse, withPrecision } from '../../../../stages/models/ops/precision.js';
import { product } from '../../../../stages/models/ops/product.js';

const reference = JSON.parse(
  readFileSync(new URL('../../../reference/bfloat16.json', import.meta.url), 'utf8'),
) as Record<'x' | 'weight' | 'bias' | 'target' | 'y' | 'dx' | 'dweight' | 'dbias', number[]>;

const started = await startBackend({ warn: () => {} });

/** The nearest bfloat16, ties to even. */
function rounded(value: number): number {
  const bits = new Uint32Array(new Float32Array([value]).buffer)[0]!;
  const up = 0x7fff + ((bits >>> 16) & 1);
  return new Float32Array(new Uint32Array([((bits + up) >>> 0) & 0xffff0000]).buffer)[0]!;
}

/** Whether two numbers are the same bfloat16 or neighbours, which a sum in another order can make of one. */
function expectNeighbours(actual: ArrayLike<number>, expected: readonly number[], largest = 0): void {
  expect(actual.length).toBe(expected.length);
  for (const [i, value] of expected.entries())
    expect(Math.abs(actual[i]! - value)).toBeLessThanOrEqual(2 ** -7 * Math.max(Math.abs(value), largest));
}

describe('precision', () => {
  it('holds for what runs within, and for nothing after it, after an error too', () => {
    expect(precisionInUse()).toBe('fp32');
    withPrecision('bf16', () => {
      expect(precisionInUse()).toBe('bf16');
      withPrecision('fp32', () => expect(precisionInUse()).toBe('fp32'));
      expect(precisionInUse()).toBe('bf16');
    });
    const fail = () =>
      withPrecision('bf16', () => {
        throw new Error('broken');
      });
    expect(fail).toThrow('broken');
    expect(precisionInUse()).toBe('fp32');
  });
});

describe.skipIf(started.kind !== 'tensorflow')('products in bfloat16', () => {
  let tensors = 0;
  let held = 0;
  const addon = () => (tf.backend() as unknown as { binding: { getNumOfTensors(): number } }).binding;
  beforeEach(() => {
    tf.engine().startScope();
    [tensors, held] = [tf.memory().numTensors, addon().getNumOfTensors()];
  });
  afterEach(() => {
    tf.engine().endScope();
    expect(tf.memory().numTensors).toBe(tensors);
    // Values that tfjs does not know of are gone too.
    expect(addon().getNumOfTensors()).toBeLessThanOrEqual(held);
  });

  it.each([
    [[5, 7], [7, 3], {}],
    [[7, 5], [7, 3], { a: true }],
    [[5, 7], [3, 7], { b: true }],
  ] as const)('round their factors and their result: %j by %j, transposed %j', (left, right, transposed) => {
    const values = (shape: readonly number[], seed: number) =>
      tf.tensor(
        Float32Array.from({ length: shape.reduce((n, d) => n * d) }, (_, i) => Math.sin(i * 12.9898 + seed)),
        [...shape],
      );
    const [a, b] = [values(left, 1), values(right, 2)];
    const roundAll = (x: tf.Tensor) => tf.tensor(Float32Array.from(x.dataSync(), rounded), x.shape);
    const exact = tf.matMul(roundAll(a), roundAll(b), 'a' in transposed, 'b' in transposed);
    const result = withPrecision('bf16', () => product(a, b, transposed));
    expect(result.shape).toEqual(exact.shape);
    expect(result.dtype).toBe('float32');
    const actual = result.dataSync();
    expect([...actual]).toEqual([...actual].map(rounded));
    expectNeighbours(actual, [...exact.dataSync()].map(rounded), 0.01);
    expect([...actual]).not.toEqual([...tf.matMul(a, b, 'a' in transposed, 'b' in transposed).dataSync()]);
  });

  it.each(['op by op', 'compiled'])(
    'a linear layer and its gradients are those of PyTorch under autocast, %s',
    (mode) => {
      const { x, weight, bias, target, y, dx, dweight, dbias } = reference;
      const variables = {
        x: tf.tensor2d(x, [6, 32]),
        weight: tf.tensor2d(weight, [24, 32]),
        bias: tf.tensor1d(bias),
      };
      const step = (given: Readonly<Record<string, tf.Tensor>>) =>
        withPrecision('bf16', () => {
          const value = linear(given.x!, given.weight!, given.bias!);
          const [a, b, c] = tf.grads((x: tf.Tensor, w: tf.Tensor, b: tf.Tensor) => linear(x, w, b))(
            [given.x!, given.weight!, given.bias!],
            tf.tensor2d(target, [6, 24]),
          );
          return { outputs: { value, a: a!, b: b!, c: c! }, updates: {} };
        });
      const program = mode === 'compiled' ? compiledProgram(step, variables) : eagerProgram(step, variables);
      tf.dispose(program.run({})); // The first run of a compiled program records it.
      const { value, a, b, c } = program.run({});
      expect(program.mode).toBe(mode === 'compiled' ? 'compiled' : 'eager');
      const largest = (values: readonly number[]) => Math.max(...values.map(Math.abs)) / 8;
      expectNeighbours(value!.dataSync(), y, largest(y));
      expectNeighbours(a!.dataSync(), dx, largest(dx));
      expectNeighbours(b!.dataSync(), dweight, largest(dweight));
      expectNeighbours(c!.dataSync(), dbias, largest(dbias));
      program.dispose();
    },
  );
});
