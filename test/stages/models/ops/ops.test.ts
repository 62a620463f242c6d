import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startBackend } from '../../../../stages/backend/start.js';
import { attention } from '../../../../stages/models/ops/attention.js';
import { softmaxCrossEntropy } from '../../../../stages/models/ops/cross-entropy.js';
import { takeRows } from '../../../../stages/models/ops/embedding.js';
import { linearScale, normLinear } from '../../../../stages/models/ops/fold.js';
import { geluCore } from '../../../../stages/models/ops/gelu.js';
import { l2Normalise } from '../../../../stages/models/ops/l2-normalise.js';
import { layerNorm, unitLayerNorm } from '../../../../stages/models/ops/layer-norm.js';
import { linear } from '../../../../stages/models/ops/linear.js';
import { withPrecision } from '../../../../stages/models/ops/precision.js';
import { residual } from '../../../../stages/models/ops/residual.js';
import { rmsNorm, unitRms } from '../../../../stages/models/ops/rms-norm.js';
import { rope, rotaryTables } from '../../../../stages/models/ops/rope.js';
import { swiglu } from '../../../../stages/models/ops/swiglu.js';

interface Values {
  readonly shape: number[];
  readonly values: number[];
}

interface Case {
  readonly inputs: Values[];
  readonly given: Record<string, Values>;
  readonly output: Values;
  readonly dy: Values;
  readonly gradients: Values[];
}

type Op = (inputs: tf.Tensor[], given: Record<string, tf.Tensor>) => tf.Tensor;

const { cases } = JSON.parse(readFileSync(new URL('../../../reference/ops.json', import.meta.url), 'utf8')) as {
  cases: Record<string, Case>;
};

const int = (x: tf.Tensor | undefined) => tf.cast(x!, 'int32');
const attend =
  (options: (given: Record<string, tf.Tensor>) => { scale?: number; mask?: tf.Tensor }): Op =>
  ([q, k, v], given) =>
    attention(q!, k!, v!, { batch: 2, heads: 2, ...options(given) });
const normed: Op = ([x, norm, w, b]) => normLinear(x!, norm!, 1e-6, [w!], [b!])[0]!;
const scaled: Op = ([x, w, b, s]) => linearScale(x!, w!, b!, s!);

/** What is tested, by the name of its case in `test/reference/ops.py`. */
const ops: Record<string, Op> = {
  linear: ([x, w, b]) => linear(x!, w!, b),
  'linear, wide, no bias, rank 3': ([x, w]) => linear(x!, w!),
  unitRms: ([x]) => unitRms(x!, 1e-6),
  rmsNorm: ([x, w]) => rmsNorm(x!, w!, 1e-6),
  unitLayerNorm: ([x]) => unitLayerNorm(x!, 1e-5),
  layerNorm: ([x, w, b]) => layerNorm(x!, w!, b!, 1e-5),
  'normLinear, more rows than outputs': normed,
  'normLinear, fewer rows than outputs': normed,
  'linearScale, more rows than outputs': scaled,
  'linearScale, fewer rows than outputs': scaled,
  gelu: ([x]) => tf.mul(geluCore(tf.mul(x!, Math.SQRT1_2)), Math.SQRT1_2),
  swiglu: ([gate, up]) => swiglu(gate!, up!),
  l2Normalise: ([x]) => l2Normalise(x!),
  residual: ([x, y]) => residual(x!, y!),
  'residual, dropped': ([x, y], { factors }) => residual(x!, y!, factors!),
  takeRows: ([table], { indices }) => takeRows(table!, int(indices)),
  attention: attend(() => ({})),
  'attention, masked': attend(({ mask }) => ({ mask: mask! })),
  'attention, unscaled': attend(() => ({ scale: 1 })),
  rope: ([x]) => rope(x!, 2, rotaryTables(0, 3, 8, 2, 100)),
  'rope, from position 5': ([x]) => rope(x!, 2, rotaryTables(5, 3, 8, 2, 100)),
  softmaxCrossEntropy: ([x], { labels }) => softmaxCrossEntropy(x!, int(labels)),
  'softmaxCrossEntropy, weighted': ([x], { labels, weights }) =>
    softmaxCrossEntropy(x!, int(labels), { weights: weights! }),
  'softmaxCrossEntropy, smoothed': ([x], { labels }) => softmaxCrossEntropy(x!, int(labels), { smoothing: 0.1 }),
};

const tensorOf = ({ shape, values }: Values) => tf.tensor(values, shape);

it('covers every case of the reference', () => {
  expect(Object.keys(ops).sort()).toEqual(Object.keys(cases).sort());
});

const backends = [
  { on: 'our own kernels', prefer: 'tensorflow', kernels: '' },
  { on: "TensorFlow's kernels", prefer: 'tensorflow', kernels: '0' },
  { on: 'WebAssembly', prefer: 'wasm', kernels: '' },
] as const;

describe.each(backends)('on $on', ({ prefer, kernels }) => {
  beforeEach(async () => {
    await startBackend({ prefer });
    vi.stubEnv('ALIGNFLOW_KERNELS', kernels);
    tf.engine().startScope();
  });
  afterEach(() => {
    tf.engine().endScope();
    vi.unstubAllEnvs();
  });

  const load = (name: string) => {
    const { inputs, given, output, dy, gradients } = cases[name]!;
    const others = Object.fromEntries(Object.entries(given).map(([key, value]) => [key, tensorOf(value)]));
    const run = (...values: tf.Tensor[]) => ops[name]!(values, others);
    return { inputs: inputs.map(tensorOf), run, output, dy: tensorOf(dy), gradients };
  };

  it.each(Object.keys(ops))('%s agrees with PyTorch, gradients too', (name) => {
    const { inputs, run, output, dy, gradients } = load(name);
    const before = tf.memory().numTensors;
    const value = tf.tidy(() => run(...inputs));
    expect(distance(value, output)).toBeLessThan(2e-6);
    const found = tf.grads((...values: tf.Tensor[]) => run(...values))(inputs, dy);
    for (const [i, gradient] of found.entries()) expect(distance(gradient, gradients[i]!)).toBeLessThan(5e-6);
    expect(tf.memory().numTensors - before).toBe(1 + found.length);
  });

  it.each(Object.keys(ops))('the gradient of %s is the slope of its values', (name) => {
    const { inputs, run, dy } = load(name);
    const lossOf = (...values: tf.Tensor[]) => tf.sum(tf.mul(run(...values), dy));
    const gradients = tf.grads(lossOf)(inputs);
    for (const [i, input] of inputs.entries()) {
      const step = tf.mul(gradients[i]!, 2e-3 / Math.max(1e-6, norm(gradients[i]!)));
      const at = (sign: number) =>
        lossOf(...inputs.map((other, j) => (j === i ? tf.add(input, tf.mul(step, sign)) : other))).dataSync()[0]!;
      // Along the gradient g, f(x + h g / |g|) - f(x - h g / |g|) is 2 h |g|.
      const slope = (at(1) - at(-1)) / (2 * norm(step));
      expect(slope / norm(gradients[i]!)).toBeCloseTo(1, 1.3);
    }
  });
});

describe('in bfloat16', () => {
  beforeEach(async () => {
    await startBackend({ prefer: 'tensorflow' });
    tf.engine().startScope();
  });
  afterEach(() => tf.engine().endScope());

  it.each(Object.keys(ops))('%s is what it is in float32, to the digits that bfloat16 has', (name) => {
    const { inputs, given, output, dy, gradients } = cases[name]!;
    const others = Object.fromEntries(Object.entries(given).map(([key, value]) => [key, tensorOf(value)]));
    withPrecision('bf16', () => {
      const tensors = inputs.map(tensorOf);
      const run = (...values: tf.Tensor[]) => ops[name]!(values, others);
      expect(distance(run(...tensors), output)).toBeLessThan(2e-2);
      const found = tf.grads((...values: tf.Tensor[]) => run(...values))(tensors, tensorOf(dy));
      for (const [i, gradient] of found.entries()) expect(distance(gradient, gradients[i]!)).toBeLessThan(2e-2);
    });
  });
});

function norm(x: tf.Tensor): number {
  return Math.hypot(...x.dataSync());
}

/** Largest difference relative to the largest value expected; infinite when the shapes differ. */
function distance(actual: tf.Tensor, { shape, values }: Values): number {
  if (actual.shape.join() !== shape.join()) return Number.POSITIVE_INFINITY;
  const scale = Math.max(1e-3, ...values.map(Math.abs));
  return Math.max(...[...actual.dataSync()].map((value, i) => Math.abs(value - values[i]!))) / scale;
}
