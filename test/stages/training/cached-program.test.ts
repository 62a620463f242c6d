import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Program } from '../../../stages/backend/program.js';
import { startBackend } from '../../../stages/backend/start.js';
import { contrastiveLoss } from '../../../stages/losses/contrastive.js';
import { l2Normalise } from '../../../stages/models/ops/l2-normalise.js';
import { linear } from '../../../stages/models/ops/linear.js';
import { chunkBounds, type TowerObjective } from '../../../stages/training/cached-step.js';
import { ratesOf } from '../../../stages/training/rates.js';
import type { Recipe } from '../../../stages/training/recipe.js';
import { trainingProgram } from '../../../stages/training/training-program.js';
import { noise } from './noise.js';

const started = await startBackend({ warn: () => {} });
afterEach(() => vi.unstubAllEnvs());

/** Two linear towers with a curve in them, and CLIP's loss. */
const objective: TowerObjective = {
  encode: (parameters, { x, y }) => ({
    image: l2Normalise(tf.tanh(linear(x!, parameters['image.weight']!))),
    text: l2Normalise(tf.tanh(linear(y!, parameters['text.weight']!))),
  }),
  loss: (parameters, { image, text }) => ({
    loss: contrastiveLoss(image!, text!, parameters.logit_scale!),
    metrics: { scale: tf.exp(parameters.logit_scale!) },
  }),
  lossParameters: ['logit_scale'],
  rows: ({ x }) => x!.shape[0]!,
  slice: ({ x, y }, from, to) => ({ x: tf.slice(x!, from, to - from), y: tf.slice(y!, from, to - from) }),
};

const recipe: Recipe = {
  steps: 10,
  groups: [{ match: ['**'], learningRate: 0.1, weightDecay: 0.1 }],
  optimiser: { name: 'adamw', beta2: 0.95 },
  warmup: 2,
  clipNorm: 1,
  ema: 0.9,
};

const parameters = () => ({
  'image.weight': noise([6, 5], 1),
  'text.weight': noise([6, 4], 2),
  logit_scale: tf.scalar(1.5),
});

/** The same with a loss of each row by itself. */
const withRowLosses: TowerObjective = {
  ...objective,
  withRowLosses(parameters, feeds) {
    const embeddings = objective.encode(parameters, feeds);
    return { embeddings, losses: { length: tf.sum(tf.square(tf.slice(embeddings.image!, [0, 0], [-1, 1]))) } };
  },
};

function start(more: Partial<Recipe>, of = objective): Program {
  const initial = parameters();
  const { program } = trainingProgram(of, initial, { ...recipe, ...more });
  tf.dispose(initial);
  return program;
}

/** The numbers of a step on a batch of `rows`. */
function advance(program: Program, s: number, rows = 10, poison = 1, groups = recipe.groups): Record<string, number> {
  const rates = Object.entries(ratesOf({ ...recipe, groups }).feeds(s, s + 1)).map(
    ([name, value]) => [name, tf.scalar(value)] as const,
  );
  const feeds = {
    x: tf.tidy(() => tf.mul(noise([rows, 5], 10 + s), poison)),
    y: noise([rows, 4], 20 + s),
    ...Object.fromEntries(rates),
  };
  const outputs = program.run(feeds);
  const values = Object.entries(outputs).map(([name, output]) => [name, output.dataSync()[0]!] as const);
  tf.dispose([feeds, outputs]);
  return Object.fromEntries(values);
}

function state(program: Program): Record<string, number[]> {
  return Object.fromEntries(
    program.names.map((name) => {
      const tensor = program.read(name);
      const values = [...tensor.dataSync()];
      tensor.dispose();
      return [name, values];
    }),
  );
}

function expectSame(actual: Record<string, number[]>, expected: Record<string, number[]>): void {
  expect(Object.keys(actual)).toEqual(Object.keys(expected));
  for (const [name, values] of Object.entries(expected)) {
    const largest = Math.max(...values.map(Math.abs), 1e-3);
    values.forEach((value, i) => {
      expect(Math.abs(actual[name]![i]! - value) / largest, `${name}[${i}]`).toBeLessThan(1e-5);
    });
  }
}

describe.each([
  ['compiled', undefined, undefined],
  ['eager', '0', undefined],
  ['on WebAssembly', undefined, 'wasm' as const],
])('gradient caching, %s', (_, compile, prefer) => {
  beforeAll(async () => {
    if (prefer !== undefined) await startBackend({ prefer, warn: () => {} });
  });
  afterAll(async () => {
    await startBackend({ prefer: started.kind, warn: () => {} });
  });

  it.each([
    [10, 4],
    [10, 10],
    [7, 2],
    [9, 1],
  ])('steps as one pass over %i rows does, in chunks of %i at most', (rows, chunk) => {
    vi.stubEnv('ALIGNFLOW_COMPILE', compile);
    const tensors = tf.memory().numTensors;
    const [whole, cached] = [start({}), start({ chunk })];
    for (let s = 0; s < 4; s++) {
      const [expected, actual] = [advance(whole, s, rows), advance(cached, s, rows)];
      expect(Object.keys(actual).sort()).toEqual(['counts', 'gradient_norm', 'loss', 'scale']);
      for (const [name, value] of Object.entries(expected)) expect(actual[name]! / value).toBeCloseTo(1, 5);
    }
    expectSame(state(cached), state(whole));
    const compiled = compile === undefined && prefer === undefined && started.kind === 'tensorflow';
    if (compiled) expect(cached.reason).toBeUndefined();
    expect(cached.mode).toBe(compiled ? 'compiled' : 'eager');
    whole.dispose();
    cached.dispose();
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it.each([
    ['the logit scale', ['*.weight']],
    ['a tower', ['logit_scale', 'text.*']],
  ])('steps as one pass does where %s alone is trained', (_of, frozen) => {
    vi.stubEnv('ALIGNFLOW_COMPILE', compile);
    const tensors = tf.memory().numTensors;
    const groups = [{ match: frozen, learningRate: 'frozen' as const }, ...recipe.groups];
    for (const rowLosses of [false, true]) {
      const given = rowLosses ? withRowLosses : objective;
      const [whole, cached] = [start({ groups }, given), start({ groups, chunk: 4 }, given)];
      for (let s = 0; s < 3; s++) {
        const [expected, actual] = [advance(whole, s, 10, 1, groups), advance(cached, s, 10, 1, groups)];
        expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
        for (const [name, value] of Object.entries(expected)) expect(actual[name]! / value).toBeCloseTo(1, 5);
      }
      expectSame(state(cached), state(whole));
      whole.dispose();
      cached.dispose();
    }
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('steps op by op, from the same values, where a part cannot be recorded', () => {
    vi.stubEnv('ALIGNFLOW_COMPILE', compile);
    const tensors = tf.memory().numTensors;
    const asking: TowerObjective = {
      ...objective,
      loss: (parameters, embeddings) => {
        embeddings.image!.dataSync();
        return objective.loss(parameters, embeddings);
      },
    };
    const initial = parameters();
    const { program } = trainingProgram(asking, initial, { ...recipe, chunk: 4 });
    tf.dispose(initial);
    const whole = start({});
    for (let s = 0; s < 2; s++) expect(advance(program, s).loss! / advance(whole, s).loss!).toBeCloseTo(1, 5);
    expectSame(state(program), state(whole));
    expect(program.mode).toBe('eager');
    program.dispose();
    whole.dispose();
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('changes nothing in a step that is not finite, and takes batches of other sizes', () => {
    vi.stubEnv('ALIGNFLOW_COMPILE', compile);
    const [whole, cached] = [start({}), start({ chunk: 3 })];
    advance(cached, 0);
    const before = state(cached);
    expect(advance(cached, 1, 10, Number.NaN).counts).toBe(0);
    expect(state(cached)).toEqual(before);
    advance(cached, 1, 8);
    advance(cached, 2, 10);
    for (const [s, rows] of [
      [0, 10],
      [1, 8],
      [2, 10],
    ] as const)
      advance(whole, s, rows);
    expectSame(state(cached), state(whole));
    whole.dispose();
    cached.dispose();
  });

  it('can be written to and read before its first step', () => {
    const program = start({ chunk: 4 });
    const value = tf.scalar(2);
    program.write('logit_scale', value);
    expect(state(program).logit_scale).toEqual([2]);
    expect(advance(program, 0).scale).toBeCloseTo(Math.exp(2), 4);
    value.dispose();
    program.dispose();
  });
});

it('chunks differ by one row at most, and are as few as can be', () => {
  expect(chunkBounds(10, 4)).toEqual([0, 3, 7, 10]);
  expect(chunkBounds(10, 5)).toEqual([0, 5, 10]);
  expect(chunkBounds(3, 8)).toEqual([0, 3]);
});

it('names a trained parameter that neither the towers nor the loss depend on', () => {
  const unused = { ...parameters(), 'itm.weight': noise([2], 3) };
  const { program } = trainingProgram(objective, unused, { ...recipe, chunk: 4 });
  expect(() => advance(program, 0)).toThrow('does not depend on 1 trained parameters, the first of them itm.weight');
  program.dispose();
  tf.dispose(unused);
});
