/** A model as a stage hands it over: `model.safetensors` under published names, and `model.json` with its sizes. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs-core';
import { AlignflowError, reasonOf } from '../../pipeline/errors.js';
import { writeWhole } from '../../pipeline/run/atomic-file.js';
import type { Program } from '../backend/program.js';
import { checkConfig, type ModelConfig } from '../models/config.js';
import type { Parameters } from '../models/parameters.js';
import { type NewTensor, writeSafetensors } from '../models/safetensors.js';
import { parameterShapes } from '../models/shapes.js';
import { parametersFile, readParameters } from './checkpoint.js';
import { averageName } from './ema.js';

const configFile = 'model.json';

/** A model that was read. */
export interface StoredModel {
  readonly config: ModelConfig;
  readonly parameters: Parameters;
}

/** Writes the parameters that a program holds, each whole or not at all; of those that have a moving average, the average. */
export async function saveModel(folder: string, config: ModelConfig, program: Program): Promise<void> {
  const variables = new Set(program.names);
  const held = (name: string) => (variables.has(averageName(name)) ? averageName(name) : name);
  const tensors = [...parameterShapes(config)].map(([name, shape]): NewTensor => {
    return { name, dtype: 'F32', shape, values: () => valuesOf(program.read(held(name))) };
  });
  await writeSafetensors(join(folder, parametersFile), tensors, { format: 'pt' });
  await writeWhole(join(folder, configFile), `${JSON.stringify(config, undefined, 2)}\n`);
}

/**
 * Reads a stage's model. Throws an `AlignflowError` that names the file when it is missing or does not fit its sizes.
 *
 * @param check told of the sizes before the parameters are read
 */
export async function loadModel(
  folder: string,
  check: (config: ModelConfig) => void = () => undefined,
): Promise<StoredModel> {
  const path = join(folder, configFile);
  let config: ModelConfig;
  try {
    config = checkConfig(JSON.parse(await readFile(path, 'utf8')) as ModelConfig);
  } catch (error) {
    throw error instanceof AlignflowError
      ? error.at({ file: path })
      : new AlignflowError({
          what: `the model cannot be read: ${reasonOf(error)}`,
          where: { file: path },
          cause: error,
        });
  }
  check(config);
  return { config, parameters: await readParameters(folder, Object.fromEntries(parameterShapes(config))) };
}

function valuesOf(tensor: tf.Tensor): Float32Array {
  const values = tensor.dataSync<'float32'>();
  tensor.dispose();
  return values;
}
