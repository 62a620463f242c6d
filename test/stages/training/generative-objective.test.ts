import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { byteTensor } from '../../../stages/backend/byte-tensor.js';
import type { Program } from '../../../stages/backend/program.js';
import { startBackend } from '../../../stages/backend/start.js';
import { countedTargets, evenTargets } from '../../../stages/losses/itg.js';
import type { ModelConfig } from '../../../stages/models/config.js';
import { views } from '../../../stages/models/masks.js';
import { generativeObjective } from '../../../stages/training/generative-objective.js';
import { ratesOf } from '../../../stages/training/rates.js';
import type { Recipe } from '../../../stages/training/recipe.js';
import { trainingProgram } from '../../../stages/training/training-program.js';
import { config, groupOf, tensorOf, valuesOf } from '../models/reference.js';

const started = await startBackend({ warn: () => {} });

/** The small model of the reference and its five texts, with images of bytes. */
const model: ModelConfig = {
  ...config,
  vision: { ...config.vision, pixels: { mean: [0.5, 0.4, 0.6], deviation: [0.3, 0.3, 0.3] } },
};
const batch = 5;
const side = config.vision.image;

const recipe: Recipe = {
  steps: 10,
  groups: [
    { match: ['clip_projector.**', 'vision_model.**'], learningRate: 'frozen' },
    { match: ['**'], learningRate: 0.02, weightDecay: 0.1 },
  ],
  optimiser: { name: 'sgd', momentum: 0.9 },
  warmup: 1,
  clipNorm: 1,
};

function feedsOf(chunked: boolean, step: number): Record<string, tf.Tensor> {
  const all = {
    labels: valuesOf('inputs/itg/labels') as Int32Array,
    weights: valuesOf('inputs/itg/weights') as Float32Array,
  };
  const targets = chunked ? evenTargets(all, batch, 1) : countedTargets(all);
  const shape = chunked ? [batch, targets.rows.length / batch] : [targets.rows.length];
  const sum = (values: ArrayLike<number>) => tf.scalar(Array.from(values).reduce((total, value) => total + value, 0));
  const pixels = Uint8Array.from({ length: batch * side * side * 3 }, (_, i) => (i * 37 + step * 11) % 256);
  return {
    pixels: byteTensor(pixels, [batch, side, side, 3]),
    ...Object.fromEntries(
      views.flatMap((view) => [
        [`${view}_tokens`, tensorOf(`inputs/${view}/tokens`)],
        [`${view}_ends`, tensorOf(`inputs/${view}/ends`)],
      ]),
    ),
    itm_labels: tensorOf('inputs/itm/labels'),
    itm_weights: tensorOf('inputs/itm/weights'),
    itm_total: sum(valuesOf('inputs/itm/weights')),
    itg_rows: tf.tensor(targets.rows, shape, 'int32'),
    itg_labels: tf.tensor(targets.labels, shape, 'int32'),
    itg_weights: tf.tensor(targets.weights, shape),
    itg_total: sum(targets.weights),
  };
}

function start(chunk?: number): Program {
  const parameters = groupOf('weights');
  const objective = generativeObjective(model, 0.1);
  const { program } = trainingProgram(objective, parameters, { ...recipe, ...(chunk && { chunk }) });
  tf.dispose({ ...parameters });
  return program;
}

function advance(program: Program, step: number, chunked: boolean): Record<string, number> {
  const rates = Object.entries(ratesOf(recipe).feeds(step, step + 1)).map(([name, value]) => [name, tf.scalar(value)]);
  const feeds = { ...feedsOf(chunked, step), ...Object.fromEntries(rates) };
  const outputs = program.run(feeds);
  const values = Object.entries(outputs).map(([name, output]) => [name, output.dataSync()[0]!] as const);
  tf.dispose([feeds, outputs]);
  return Object.fromEntries(values);
}

describe.each([
  ['compiled', undefined, undefined],
  ['eager', '0', undefined],
  ['on WebAssembly', undefined, 'wasm' as const],
])('stage 2 in chunks, %s', (_, compile, prefer) => {
  beforeAll(async () => {
    if (prefer !== undefined) await startBackend({ prefer, warn: () => {} });
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await startBackend({ prefer: started.kind, warn: () => {} });
  });

  it.each([2, 3])('steps as one pass over the batch does, chunks of %i at most', (chunk) => {
    vi.stubEnv('ALIGNFLOW_COMPILE', compile);
    const tensors = tf.memory().numTensors;
    const [whole, chunked] = [start(), start(chunk)];
    for (let step = 0; step < 3; step++) {
      const [expected, actual] = [advance(whole, step, false), advance(chunked, step, true)];
      expect(Object.keys(actual).sort()).toEqual(['counts', 'gradient_norm', 'itc', 'itg', 'itm', 'loss']);
      for (const [name, value] of Object.entries(expected)) {
        expect(Math.abs(actual[name]! / value - 1), `${name} in step ${step}`).toBeLessThan(1e-5);
      }
      expect(actual.itm! + actual.itc! + actual.itg!).toBeCloseTo(actual.loss!, 5);
    }
    for (const name of whole.names) {
      const [far, largest] = tf.tidy(() => {
        const [one, other] = [whole.read(name), chunked.read(name)];
        return [tf.max(tf.abs(tf.sub(one, other))).dataSync()[0]!, tf.max(tf.abs(one)).dataSync()[0]!];
      });
      expect(far / Math.max(largest, 1e-3), name).toBeLessThan(1e-5);
    }
    whole.dispose();
    chunked.dispose();
    expect(tf.memory().numTensors).toBe(tensors);
  });
});
