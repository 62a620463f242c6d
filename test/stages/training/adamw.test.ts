import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compiledProgram } from '../../../stages/backend/graph/compiled.js';
import { eagerProgram, type Program, type Tensors } from '../../../stages/backend/program.js';
import { startBackend } from '../../../stages/backend/start.js';
import { biasCorrections } from '../../../stages/training/adamw.js';
import { type ParameterGroup, trainedParameters } from '../../../stages/training/groups.js';
import { warmupCosine } from '../../../stages/training/schedule.js';
import { initialMoments, momentNames, type Objective, rateFeeds, trainingStep } from '../../../stages/training/step.js';
import { noise } from './noise.js';

const started = await startBackend({ warn: () => {} });

interface Reference {
  readonly curve: readonly { loss: number; norm: number; lr: number }[];
  readonly parameters: Readonly<Record<string, number[]>>;
  readonly first: Readonly<Record<string, number[]>>;
  readonly second: Readonly<Record<string, number[]>>;
}
const reference = JSON.parse(readFileSync(new URL('../../reference/adamw.json', import.meta.url), 'utf8')) as Reference;

const shapes: Record<string, number[]> = {
  'tower.weight': [6, 4],
  'tower.bias': [4],
  'head.weight': [3, 5],
  logit_scale: [],
};
const adamW = { beta1: 0.9, beta2: 0.98, epsilon: 1e-6 };
const groups: ParameterGroup[] = [
  { match: ['head.**'], learningRate: 0.01, weightDecay: 0.1 },
  { match: ['**'], learningRate: 0.03, weightDecay: 0.2 },
];
const trained = trainedParameters(groups, shapes);

/** The sum of log cosh(p - target x swing), with its gradient tanh; a value that is not finite when `poison` is. */
const objective: Objective = (parameters, { swing, poison }) => {
  const terms = Object.keys(shapes).map((name, i) => {
    const target = tf.mul(
      tf.tidy(() => noise(shapes[name]!, i + 10)),
      4,
    );
    const distance = tf.sub(parameters[name]!, tf.mul(target, swing!));
    return tf.sum(tf.log(tf.mul(tf.add(tf.exp(distance), tf.exp(tf.neg(distance))), 0.5)));
  });
  return { loss: tf.mul(tf.addN(terms), poison!) };
};

function start(make: typeof eagerProgram): Program {
  const step = trainingStep(objective, trained, { adamW, clipNorm: 1.5, bounds: {} });
  const parameters = Object.fromEntries(Object.keys(shapes).map((name, i) => [name, noise(shapes[name]!, i)]));
  const variables = { ...parameters, ...initialMoments(parameters, trained) };
  const program = make(step, variables);
  tf.dispose(variables);
  return program;
}

/** One step of a program, `s` from 0, as its numbers. */
function advance(program: Program, s: number, update: number, poison = 1): Record<string, number> {
  const factor = warmupCosine({ steps: 100, warmup: 10, floor: 0.1 }, s);
  const { first, second } = biasCorrections(update, adamW);
  const feeds: Tensors = {
    swing: tf.scalar(1 + Math.sin(s)),
    poison: tf.scalar(poison),
    [rateFeeds.learningRate(0)]: tf.scalar(0.01 * factor),
    [rateFeeds.learningRate(1)]: tf.scalar(0.03 * factor),
    [rateFeeds.firstCorrection]: tf.scalar(first),
    [rateFeeds.secondCorrection]: tf.scalar(second),
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
])('AdamW, %s', (_, make, prefer) => {
  beforeAll(async () => {
    if (prefer !== undefined) await startBackend({ prefer, warn: () => {} });
  });
  afterAll(async () => {
    await startBackend({ prefer: started.kind, warn: () => {} });
  });

  it('does 100 clipped steps as torch.optim.AdamW does', () => {
    const program = start(make);
    reference.curve.forEach(({ loss, norm, lr }, s) => {
      const step = advance(program, s, s + 1);
      expect(0.03 * warmupCosine({ steps: 100, warmup: 10, floor: 0.1 }, s)).toBeCloseTo(lr, 12);
      expectClose([step.loss! / loss, step.gradient_norm! / norm, step.counts!], [1, 1, 1], `step ${s}`);
    });
    for (const name of Object.keys(shapes)) {
      const moments = momentNames(name);
      expectClose(present(program, name), reference.parameters[name]!, name);
      expectClose(present(program, moments.first), reference.first[name]!, moments.first);
      expectClose(present(program, moments.second), reference.second[name]!, moments.second);
    }
    program.dispose();
  });

  it('changes nothing in a step whose loss is not finite, and goes on as if it had not been', () => {
    const [disturbed, calm] = [start(make), start(make)];
    for (let s = 0; s < 5; s++) advance(disturbed, s, s + 1);
    const before = program(disturbed);
    expect(advance(disturbed, 5, 6, Number.NaN).counts).toBe(0);
    expect(advance(disturbed, 5, 6, Infinity).counts).toBe(0);
    expect(program(disturbed)).toEqual(before);
    for (let s = 0; s < 5; s++) advance(calm, s, s + 1);
    expect(advance(disturbed, 5, 6)).toEqual(advance(calm, 5, 6));
    expect(program(disturbed)).toEqual(program(calm));
    disturbed.dispose();
    calm.dispose();
  });
});

/** All variables of a program, as numbers. */
function program(of: Program): Record<string, number[]> {
  return Object.fromEntries(of.names.map((name) => [name, present(of, name)]));
}

it('a program on WebAssembly runs op by op and says why', async () => {
  await startBackend({ prefer: 'wasm', warn: () => {} });
  const wasm = start(compiledProgram);
  expect([wasm.mode, wasm.reason]).toEqual(['eager', 'the backend wasm knows no graphs']);
  wasm.dispose();
  await startBackend({ prefer: started.kind, warn: () => {} });
});

describe('trainingStep', () => {
  it('keeps a bounded parameter within its bounds', () => {
    const bounds = { logit_scale: [-0.1, 0.1] as const };
    const step = trainingStep(objective, trained, { adamW, clipNorm: 1.5, bounds });
    const parameters = Object.fromEntries(Object.keys(shapes).map((name, i) => [name, noise(shapes[name]!, i)]));
    const variables = { ...parameters, ...initialMoments(parameters, trained) };
    const bounded = eagerProgram(step, variables);
    tf.dispose(variables);
    for (let s = 0; s < 4; s++) {
      advance(bounded, s, s + 1);
      expect(Math.abs(present(bounded, 'logit_scale')[0]!)).toBeLessThanOrEqual(0.1000001);
    }
    bounded.dispose();
  });

  it('names a trained parameter that the loss does not depend on', () => {
    const part: Objective = (parameters) => ({ loss: tf.sum(parameters['head.weight']!) });
    const parameters = Object.fromEntries(Object.keys(shapes).map((name, i) => [name, noise(shapes[name]!, i)]));
    const variables = { ...parameters, ...initialMoments(parameters, trained) };
    const unused = eagerProgram(trainingStep(part, trained, { adamW, clipNorm: 1 }), variables);
    tf.dispose(variables);
    expect(() => advance(unused, 0, 1)).toThrow(
      'does not depend on 3 trained parameters, the first of them tower.weight',
    );
    unused.dispose();
  });
});
