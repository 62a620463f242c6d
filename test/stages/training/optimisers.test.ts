import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compiledProgram } from '../../../stages/backend/graph/compiled.js';
import {
  eagerProgram,
  type FirstValues,
  type Program,
  type Step,
  type Tensors,
} from '../../../stages/backend/program.js';
import { startBackend } from '../../../stages/backend/start.js';
import { trainedParameters } from '../../../stages/training/groups.js';
import { ratesOf } from '../../../stages/training/rates.js';
import type { Recipe } from '../../../stages/training/recipe.js';
import { initialState, type Objective, trainingStep } from '../../../stages/training/step.js';
import { noise } from './noise.js';

const started = await startBackend({ warn: () => {} });

interface Case {
  /** Loss, gradient norm, learning rate of the tower and of the head, in each step. */
  readonly curve: readonly (readonly [number, number, number, number])[];
  /** Parameters and state after 100 steps. */
  readonly variables: Readonly<Record<string, number[]>>;
}
const file = new URL('../../reference/optimisers.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { readonly cases: Readonly<Record<string, Case>> };

type Shapes = Readonly<Record<string, number[]>>;
const shapes: Shapes = {
  'tower.weight': [6, 4],
  'tower.bias': [4],
  'head.weight': [3, 5],
  logit_scale: [],
};
/** Of the case with Muon, which is for matrices of layers: a tall one and a wide one. */
const layers: Shapes = {
  'tower.layers.0.weight': [6, 4],
  'tower.layers.1.weight': [3, 5],
  'tower.layers.1.bias': [4],
  'head.weight': [3, 4],
};

const cosine = { shape: 'cosine' } as const;
const constant = { shape: 'constant' } as const;

/** The recipe of each case of the reference. */
function recipe(more: Pick<Recipe, 'optimiser'> & Partial<Recipe>, head = {}, tower = {}): Recipe {
  return {
    steps: 100,
    warmup: 10,
    decay: cosine,
    clipNorm: 1.5,
    groups: [
      { match: ['head.**'], learningRate: 0.01, weightDecay: 0.1, ...head },
      { match: ['**'], learningRate: 0.03, weightDecay: 0.2, ...tower },
    ],
    ...more,
  };
}

const recipes: Readonly<Record<string, Recipe>> = {
  adamw: recipe({
    optimiser: { name: 'adamw', beta2: 0.98, epsilon: 1e-6 },
    decay: { shape: 'cosine', floor: 0.1 },
    ema: 0.9,
  }),
  'adamw, other betas and epsilon for the head': recipe(
    { optimiser: { name: 'adamw', beta2: 0.95 } },
    { weightDecay: 0, decay: constant, optimiser: { name: 'adamw', beta1: 0.8, beta2: 0.999, epsilon: 1e-3 } },
  ),
  sgd: recipe(
    { optimiser: { name: 'sgd' }, decay: { shape: 'polynomial' }, ema: 0.99 },
    { decay: { shape: 'polynomial', power: 2 } },
    { learningRate: 0.02, weightDecay: 0.05 },
  ),
  'sgd, nesterov': recipe(
    { optimiser: { name: 'sgd', momentum: 0.8, nesterov: true } },
    {},
    { learningRate: 0.02, weightDecay: 0.05 },
  ),
  'sgd, no momentum': recipe(
    { optimiser: { name: 'sgd', momentum: 0 }, decay: constant },
    { learningRate: 0.02, weightDecay: 0 },
    { learningRate: 0.05, weightDecay: 0.05 },
  ),
  lion: recipe(
    { optimiser: { name: 'lion' }, decay: { shape: 'cosine', floor: 0.1 } },
    { learningRate: 0.002 },
    { learningRate: 0.004 },
  ),
  muon: recipe(
    { optimiser: { name: 'muon', momentum: 0.9, beta2: 0.95 }, decay: { shape: 'cosine', floor: 0.1 } },
    { learningRate: 0.02, weightDecay: 0.2 },
    { learningRate: 0.02 },
  ),
};

const shapesOf = ({ optimiser }: Recipe) => (optimiser.name === 'muon' ? layers : shapes);

/** The sum of log cosh(p - target x swing), with its gradient tanh; a value that is not finite when `poison` is. */
const objective: Objective = (parameters, { swing, poison }) => {
  const known = parameters.logit_scale === undefined ? layers : shapes;
  const terms = Object.entries(known).map(([name, shape], i) => {
    const target = tf.mul(
      tf.tidy(() => noise(shape, i + 10)),
      4,
    );
    const distance = tf.sub(parameters[name]!, tf.mul(target, swing!));
    return tf.sum(tf.log(tf.mul(tf.add(tf.exp(distance), tf.exp(tf.neg(distance))), 0.5)));
  });
  return { loss: tf.mul(tf.addN(terms), poison!) };
};

function start(make: (step: Step, variables: FirstValues) => Program, of: Recipe, minimised = objective): Program {
  const known = shapesOf(of);
  const trained = trainedParameters(of.groups, known);
  const parameters = Object.fromEntries(Object.entries(known).map(([name, shape], i) => [name, noise(shape, i)]));
  const first = { ...parameters, ...initialState(parameters, trained, of) };
  const program = make(trainingStep(minimised, trained, of), first);
  tf.dispose(parameters);
  return program;
}

/** One step of a program, `s` from 0, as its numbers. */
function advance(program: Program, of: Recipe, s: number, poison = 1): Record<string, number> {
  const rates = Object.entries(ratesOf(of).feeds(s, s + 1)).map(([name, value]) => [name, tf.scalar(value)] as const);
  const feeds: Tensors = {
    swing: tf.scalar(1 + Math.sin(s)),
    poison: tf.scalar(poison),
    ...Object.fromEntries(rates),
  };
  const outputs = program.run(feeds);
  const values = Object.entries(outputs).map(([name, output]) => [name, output.dataSync()[0]!] as const);
  tf.dispose([feeds, outputs]);
  return Object.fromEntries(values);
}

function present(program: Program, name: string): number[] {
  const tensor = program.read(name);
  const values = [...tensor.dataSync()];
  tensor.dispose();
  return values;
}

/** All variables of a program, as numbers. */
function state(program: Program): Record<string, number[]> {
  return Object.fromEntries(program.names.map((name) => [name, present(program, name)]));
}

function expectClose(actual: readonly number[], expected: readonly number[], what: string): void {
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(Math.abs(actual[i]! - value), `${what}[${i}]`).toBeLessThan(1e-5 * Math.max(1, Math.abs(value)));
  });
}

describe.each([
  ['eager', eagerProgram, undefined],
  ['compiled', compiledProgram, undefined],
  ['on WebAssembly', compiledProgram, 'wasm' as const],
])('%s', (_, make, prefer) => {
  beforeAll(async () => {
    if (prefer !== undefined) await startBackend({ prefer, warn: () => {} });
  });
  afterAll(async () => {
    await startBackend({ prefer: started.kind, warn: () => {} });
  });

  it.each(Object.keys(cases))('does 100 clipped steps as PyTorch does: %s', (name) => {
    const [of, reference] = [recipes[name]!, cases[name]!];
    const program = start(make, of);
    reference.curve.forEach(([loss, norm, towerRate, headRate], s) => {
      const { 'learning_rate.0': head, 'learning_rate.1': tower } = ratesOf(of).feeds(s, s + 1);
      expectClose([tower! / towerRate, head! / headRate], [1, 1], `learning rates of step ${s}`);
      const step = advance(program, of, s);
      expectClose([step.loss! / loss, step.gradient_norm! / norm, step.counts!], [1, 1, 1], `step ${s}`);
    });
    expect([...program.names].sort()).toEqual(Object.keys(reference.variables).sort());
    for (const variable of program.names) {
      expectClose(present(program, variable), reference.variables[variable]!, variable);
    }
    program.dispose();
  });

  it.each(['adamw', 'sgd', 'sgd, no momentum', 'lion', 'muon'])(
    'changes nothing in a step whose loss is not finite, and goes on as if it had not been: %s',
    (name) => {
      const of = recipes[name]!;
      const [disturbed, calm] = [start(make, of), start(make, of)];
      for (let s = 0; s < 5; s++) advance(disturbed, of, s);
      const before = state(disturbed);
      expect(advance(disturbed, of, 5, Number.NaN).counts).toBe(0);
      expect(advance(disturbed, of, 5, Infinity).counts).toBe(0);
      expect(state(disturbed)).toEqual(before);
      for (let s = 0; s < 5; s++) advance(calm, of, s);
      expect(advance(disturbed, of, 5)).toEqual(advance(calm, of, 5));
      expect(state(disturbed)).toEqual(state(calm));
      disturbed.dispose();
      calm.dispose();
    },
  );
});

it('Muon steps nearly as far and the same way with products in bfloat16', () => {
  const of = recipes.muon!;
  const name = 'tower.layers.0.weight';
  const [exact, rounded] = [of, { ...of, precision: 'bf16' as const }].map((recipe) => {
    const program = start(compiledProgram, recipe);
    const before = present(program, name);
    advance(program, recipe, 0);
    const moved = present(program, name).map((value, i) => value - before[i]!);
    program.dispose();
    return moved;
  });
  const far = Math.hypot(...exact!.map((value, i) => value - rounded![i]!)) / Math.hypot(...exact!);
  expect(far).toBeLessThan(0.03);
  // A processor of TensorFlow rounds, WebAssembly does not.
  expect(far > 0).toBe(started.kind === 'tensorflow');
});

it('a program on WebAssembly runs op by op and says why', async () => {
  await startBackend({ prefer: 'wasm', warn: () => {} });
  const wasm = start(compiledProgram, recipes.adamw!);
  expect([wasm.mode, wasm.reason]).toEqual(['eager', 'the backend wasm knows no graphs']);
  wasm.dispose();
  await startBackend({ prefer: started.kind, warn: () => {} });
});

describe('trainingStep', () => {
  it('keeps a bounded parameter within its bounds', () => {
    const of = { ...recipes.adamw!, bounds: { logit_scale: [-0.1, 0.1] as const } };
    const bounded = start(eagerProgram, of);
    for (let s = 0; s < 4; s++) {
      advance(bounded, of, s);
      expect(Math.abs(present(bounded, 'logit_scale')[0]!)).toBeLessThanOrEqual(0.1000001);
    }
    bounded.dispose();
  });

  it('names a trained parameter that the loss does not depend on', () => {
    const part: Objective = (parameters) => ({ loss: tf.sum(parameters['head.weight']!) });
    const unused = start(eagerProgram, recipes.adamw!, part);
    expect(() => advance(unused, recipes.adamw!, 0)).toThrow(
      'does not depend on 3 trained parameters, the first of them tower.weight',
    );
    unused.dispose();
  });

  it('moves a parameter by its factor of the learning rate', () => {
    const of = { ...recipes['sgd, no momentum']!, layerDecay: { vision: 1, text: 0.5 } };
    const trained = trainedParameters(of.groups, shapes, of.layerDecay);
    // All but the logit scale lie above the layers of a tower.
    expect(trained.map(({ rateFactor }) => rateFactor)).toEqual([1, 1, 1, 0.5]);
    const parameters = Object.fromEntries(Object.keys(shapes).map((name, i) => [name, noise(shapes[name]!, i)]));
    const [whole, half] = [1, 0.5].map((rateFactor) => {
      const step = trainingStep(
        objective,
        trained.map((parameter) => ({ ...parameter, rateFactor })),
        of,
      );
      const program = eagerProgram(step, parameters);
      const before = present(program, 'logit_scale')[0]!;
      advance(program, of, 0);
      const moved = present(program, 'logit_scale')[0]! - before;
      program.dispose();
      return moved;
    });
    tf.dispose(parameters);
    expect(half! / whole!).toBeCloseTo(0.5, 4);
  });
});
