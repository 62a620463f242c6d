import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isRounded, toBfloat16 } from '../../../stages/backend/bfloat16.js';
import { usesGpu } from '../../../stages/backend/gpu.js';
import { kernelFlags } from '../../../stages/backend/kernel-build.js';
import { ownKernels } from '../../../stages/backend/kernels.js';
import { floatAttribute, nativeOps, typeAttribute } from '../../../stages/backend/native.js';
import { startBackend } from '../../../stages/backend/start.js';
import { attention } from '../../../stages/models/ops/attention.js';
import { geluCore } from '../../../stages/models/ops/gelu.js';
import { sumRows } from '../../../stages/models/ops/linear.js';
import { withPrecision } from '../../../stages/models/ops/precision.js';
import { residual } from '../../../stages/models/ops/residual.js';
import { rmsNorm, unitRms } from '../../../stages/models/ops/rms-norm.js';
import { rope, rotaryTables } from '../../../stages/models/ops/rope.js';
import { swiglu } from '../../../stages/models/ops/swiglu.js';
import { globalNorm } from '../../../stages/training/clip.js';

const started = await startBackend({ warn: () => {} });

const random = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1.5, 'float32', seed);

/** Large enough for several threads, with widths and lengths that no vector divides. */
const many: Record<string, { inputs: () => tf.Tensor[]; op: (...inputs: tf.Tensor[]) => tf.Tensor }> = {
  gelu: { inputs: () => [random([301, 531], 1)], op: (x) => geluCore(x!) },
  swiglu: { inputs: () => [random([301, 531], 1), random([301, 531], 2)], op: (a, b) => swiglu(a!, b!) },
  unitRms: { inputs: () => [random([1301, 131], 1)], op: (x) => unitRms(x!, 1e-6) },
  rmsNorm: { inputs: () => [random([1301, 131], 1), random([131], 2)], op: (x, w) => rmsNorm(x!, w!, 1e-6) },
  rope: { inputs: () => [random([1300, 132], 1)], op: (x) => rope(x!, 3, rotaryTables(0, 65, 132, 3, 1e4)) },
  sumRows: { inputs: () => [random([1301, 131], 1)], op: (x) => sumRows(x!) },
  globalNorm: { inputs: () => [random([1301, 131], 1)], op: (x) => globalNorm([x!]) },
  residual: {
    inputs: () => [random([1300, 131], 1), random([1300, 131], 2)],
    op: (x, y) => residual(x!, y!, tf.tensor1d([0, 2, 1.25, 0.5])),
  },
  attention: {
    inputs: () => [random([4 * 53, 66], 1), random([4 * 71, 66], 2), random([4 * 71, 66], 3)],
    op: (q, k, v) => attention(q!, k!, v!, { batch: 4, heads: 3, mask: maskOf(4, 1, 53, 71) }),
  },
  'attention, a mask for each head, one for all queries': {
    inputs: () => [random([4 * 53, 66], 1), random([4 * 71, 66], 2), random([4 * 71, 66], 3)],
    op: (q, k, v) => attention(q!, k!, v!, { batch: 4, heads: 3, mask: maskOf(1, 3, 1, 71) }),
  },
};

/** Hides some keys, never the first. */
function maskOf(...shape: [number, number, number, number]): tf.Tensor {
  const keys = shape[3];
  const size = shape.reduce((a, b) => a * b);
  const values = Float32Array.from({ length: size }, (_, i) =>
    i % keys > 0 && (i * 7919) % 5 === 0 ? Number.NEGATIVE_INFINITY : 0,
  );
  return tf.tensor4d(values, shape);
}

// A GPU has none of them.
describe.skipIf(started.kind !== 'tensorflow' || usesGpu())('our own kernels', () => {
  beforeEach(() => tf.engine().startScope());
  afterEach(() => {
    tf.engine().endScope();
    vi.unstubAllEnvs();
  });

  const all = (name: string) => {
    const { inputs, op } = many[name]!;
    const tensors = inputs();
    const value = op(...tensors);
    const dy = tf.randomNormal(value.shape, 0, 1, 'float32', 9);
    const differentiable = name !== 'sumRows' && name !== 'globalNorm';
    return [value, ...(differentiable ? tf.grads((...x: tf.Tensor[]) => op(...x))(tensors, dy) : [])];
  };

  it.each(Object.keys(many))('%s is what plain ops make of it, whatever the number of threads', (name) => {
    const found = all(name);
    vi.stubEnv('ALIGNFLOW_KERNELS', '0');
    expect(ownKernels()).toBeUndefined();
    for (const [i, expected] of all(name).entries()) {
      const most = tf.max(tf.abs(expected)).dataSync()[0]!;
      expect(found[i]!.shape).toEqual(expected.shape);
      expect(tf.max(tf.abs(tf.sub(found[i]!, expected))).dataSync()[0]! / most).toBeLessThan(4e-6);
    }
  });

  it.each(Object.keys(many))('%s gives the same bits each time', (name) => {
    const bits = () => all(name).map((tensor) => Buffer.from(tensor.dataSync().buffer).toString('base64'));
    expect(bits()).toEqual(bits());
  });

  it.each(Object.keys(many))('what is no number stays none: %s', (name) => {
    const { inputs, op } = many[name]!;
    const [first, ...others] = inputs();
    const places = tf.reshape(tf.oneHot(tf.tensor1d([5], 'int32'), first!.size), first!.shape);
    const broken = tf.where(tf.cast(places, 'bool'), Number.NaN, first!);
    expect(tf.any(tf.isNaN(op(broken, ...others))).dataSync()[0]).toBe(1);
    withPrecision('bf16', () => expect(tf.any(tf.isNaN(op(broken, ...others))).dataSync()[0]).toBe(1));
  });

  it.each([0, 0.001, 0.3, 1, 2.5, 4, 6, 9, 12, -0.001, -0.3, -1, -2.5, -4, -6, -9, -12])('GELU of %d', (t) => {
    const gelu = (x: number) => geluCore(tf.tensor1d([x])).dataSync()[0]!;
    const expected = t * erfc(-t);
    expect(Math.abs(gelu(t) - expected)).toBeLessThanOrEqual(1e-6 * Math.abs(expected) + 1e-37);
  });

  const attributes = [typeAttribute('T', 'float32')];
  const run = (
    op: string,
    given: readonly Parameters<typeof floatAttribute>[],
    shapes: readonly number[][],
    count: number,
  ) =>
    ownKernels()!.execute(
      op,
      [...attributes, ...given.map((pair) => floatAttribute(...pair))],
      shapes.map((shape) => tf.ones(shape)),
      count,
    );
  const heads: [string, number][] = [
    ['batch', 2],
    ['heads', 2],
    ['scale', 1],
  ];
  it.each([
    ['AlignflowGeluGradient', [], [[3], [4]], 1, 'the gradient has another shape than the input'],
    ['AlignflowSwiglu', [], [[3], [4]], 1, 'gate and up have different shapes'],
    ['AlignflowSwigluGradient', [], [[3], [3], [4]], 2, 'gradient, gate and up have different shapes'],
    ['AlignflowResidual', [], [[4, 2], [4, 3], [0]], 1, 'stream and branch have different shapes'],
    ['AlignflowResidual', [], [[4, 2], [4, 2], [3]], 1, 'the rows are no multiple of the factors'],
    ['AlignflowAttention', heads, [[5, 4], [4, 4], [4, 4], [0]], 2, 'the rows are no multiple of the batch'],
    ['AlignflowAttention', heads, [[4, 4], [4, 4], [6, 4], [0]], 2, 'q, k and v do not fit together'],
    ['AlignflowAttention', heads, [[4, 3], [4, 3], [4, 3], [0]], 2, 'the width is no multiple of the heads'],
    [
      'AlignflowAttention',
      heads,
      [
        [4, 4],
        [4, 4],
        [4, 4],
        [1, 1, 2, 3],
      ],
      2,
      'the mask is not',
    ],
  ] as const)('%s refuses what does not fit: %j %j', (op, given, shapes, count, message) => {
    expect(() => run(op, given as never, shapes as never, count)).toThrow(message);
  });

  it('take tensors without rows', () => {
    expect(geluCore(tf.zeros([0, 4])).shape).toEqual([0, 4]);
    expect([...sumRows(tf.zeros([0, 3])).dataSync()]).toEqual([0, 0, 0]);
  });
});

describe.skipIf(started.kind !== 'tensorflow')('tensors in bfloat16', () => {
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  it('are rounded to nearest, ties to even, and read as the numbers that they are', () => {
    const x = toBfloat16(
      tf.tensor1d([1, 1 + 2 ** -8, 1 + 3 * 2 ** -8, -1.001, Number.NaN, Number.POSITIVE_INFINITY, 0]),
    );
    expect(isRounded(x)).toBe(true);
    expect([...x.dataSync()]).toEqual([1, 1, 1 + 2 ** -6, -1, Number.NaN, Number.POSITIVE_INFINITY, 0]);
  });

  it('stay so where an op moves them, and are float32 where it computes', () => {
    const x = toBfloat16(tf.tensor2d([1, 2, 3, 4], [2, 2]));
    for (const moved of [
      tf.transpose(x),
      tf.reshape(x, [4]),
      tf.concat([x, x]),
      tf.split(x, 2)[0]!,
      tf.slice(x, [1, 0]),
    ])
      expect(isRounded(moved)).toBe(true);
    const sum = tf.add(x, tf.scalar(2 ** -12));
    expect(isRounded(sum)).toBe(false);
    expect([...sum.dataSync()]).toEqual([1, 2, 3, 4].map((value) => value + 2 ** -12));
    expect(isRounded(tf.concat([x, tf.zeros([1, 2])]))).toBe(false);
  });

  it('are refused by an op that takes them for float32', () => {
    const x = toBfloat16(tf.zeros([4]));
    expect(() => nativeOps()!.execute('Neg', [typeAttribute('T', 'float32')], [x], 1)).toThrow('bfloat16');
  });

  it('leave nothing behind', () => {
    const addon = (tf.backend() as unknown as { binding: { getNumOfTensors(): number } }).binding;
    const [before, held] = [tf.memory().numTensors, addon.getNumOfTensors()];
    tf.tidy(() => {
      const x = toBfloat16(tf.tensor1d([1, 2]));
      tf.add(x, x).dataSync();
      x.dataSync();
    });
    expect(tf.memory().numTensors).toBe(before);
    expect(addon.getNumOfTensors()).toBeLessThanOrEqual(held);
  });
});

it('kernels are compiled for what the processor has', () => {
  const sets = ['avx512f', 'avx512bw', 'avx512dq', 'avx512vl', 'avx2', 'fma'];
  expect(kernelFlags('x64', new Set(sets))).toEqual(expect.arrayContaining(sets.map((set) => `-m${set}`)));
  expect(kernelFlags('x64', new Set([...sets, 'avx512_bf16']))).toContain('-mavx512bf16');
  expect(kernelFlags('x64', new Set(['avx2', 'fma', 'avx512f'])).filter((flag) => flag.startsWith('-m'))).toEqual([
    '-mavx2',
    '-mfma',
  ]);
  expect(kernelFlags('x64', new Set()).filter((flag) => flag.startsWith('-m'))).toEqual([]);
  expect(kernelFlags('arm64', new Set(sets)).filter((flag) => flag.startsWith('-m'))).toEqual([]);
});

/** 1 - erf x in double precision: its series for small x, its continued fraction for large ones. */
function erfc(x: number): number {
  if (x < 0) return 2 - erfc(-x);
  if (x < 2.5) {
    let [term, sum] = [x, x];
    for (let n = 1; Math.abs(term) > 1e-18; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = x;
  for (let n = 200; n > 0; n--) fraction = x + n / 2 / fraction;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
}
