import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { startBackend } from '../../../stages/backend/start.js';
import { initialise } from '../../../stages/models/parameters.js';
import { modelConfig } from '../../../stages/models/sizes.js';
import { loadModel, saveModel } from '../../../stages/training/model-folder.js';
import type { Recipe } from '../../../stages/training/recipe.js';
import { trainingProgram } from '../../../stages/training/training-program.js';
import { makeFolder } from '../../pipeline/folder.js';

const small = { width: 16, depth: 1, heads: 2, mlp: 32 };
const config = modelConfig('tiny', {
  vision: { ...small, patch: 8, image: 16 },
  text: { ...small, vocabulary: 300 },
  queries: { count: 2 },
  embed: { dim: 16, poolHeads: 2 },
});

beforeAll(async () => {
  await startBackend();
});

/** Saves a model that nobody has trained; gives its parameters. */
async function save(folder: string, more: Partial<Recipe> = {}) {
  const parameters = initialise(config, 3);
  const { program } = trainingProgram(({ logit_scale }) => ({ loss: tf.square(logit_scale!) }), parameters, {
    steps: 1,
    groups: [
      { match: ['logit_scale'], learningRate: 1 },
      { match: ['**'], learningRate: 'frozen' },
    ],
    optimiser: { name: 'adamw' },
    warmup: 0,
    clipNorm: 1,
    ...more,
  });
  if (more.ema !== undefined) program.write('ema.logit_scale', tf.scalar(2.5));
  await saveModel(folder, config, program);
  program.dispose();
  return parameters;
}

describe('model folder', () => {
  it('gives back the sizes and every parameter, bit for bit, and only whole files', async () => {
    const folder = makeFolder({});
    const parameters = await save(folder);
    expect(readdirSync(folder).sort()).toEqual(['model.json', 'model.safetensors']);
    const stored = await loadModel(folder);
    expect(stored.config).toEqual(config);
    expect(Object.keys(stored.parameters).sort()).toEqual(Object.keys(parameters).sort());
    for (const [name, tensor] of Object.entries(parameters)) {
      expect(stored.parameters[name]!.shape, name).toEqual(tensor.shape);
      expect(stored.parameters[name]!.dataSync(), name).toEqual(tensor.dataSync());
    }
    tf.dispose([{ ...parameters }, { ...stored.parameters }]);
  });

  it('holds the moving average of what has one', async () => {
    const folder = makeFolder({});
    const parameters = await save(folder, { ema: 0.9 });
    const stored = await loadModel(folder);
    expect(stored.parameters.logit_scale!.dataSync()).toEqual(Float32Array.of(2.5));
    expect(stored.parameters.query_tokens!.dataSync()).toEqual(parameters.query_tokens!.dataSync());
    tf.dispose([{ ...parameters }, { ...stored.parameters }]);
  });

  it('names the file that is missing, damaged, or of another model', async () => {
    const folder = makeFolder({});
    await expect(loadModel(folder)).rejects.toThrow(/model\.json: the model cannot be read: ENOENT/);
    tf.dispose({ ...(await save(folder)) });
    const path = join(folder, 'model.json');
    writeFileSync(path, JSON.stringify({ ...config, vision: { ...config.vision, width: 32 } }));
    await expect(loadModel(folder)).rejects.toThrow(
      /model\.safetensors: the checkpoint is of another model: \d+ tensors differ\n {2}expected: \S+ is \[[\d, ]+\] there and \[[\d, ]+\] here/,
    );
    writeFileSync(path, JSON.stringify({ ...config, vision: { ...config.vision, heads: 3 } }));
    await expect(loadModel(folder)).rejects.toThrow(/^\S+model\.json: /);
    writeFileSync(path, JSON.stringify(config).slice(0, -5));
    await expect(loadModel(folder)).rejects.toThrow(/model\.json: the model cannot be read/);
  });
});
