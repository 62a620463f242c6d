import * as tf from '@tensorflow/tfjs-core';
import type { ModelConfig } from './config.js';
import { RandomStream } from './random.js';
import { type ParameterSpec, parameterSpecs } from './shapes.js';

/** All tensors of a model by their published name, in their published layout. */
export type Parameters = Readonly<Record<string, tf.Tensor>>;

/** The parameters whose name begins with a prefix, under their whole names. */
export function parametersOf(parameters: Parameters, prefix: string): Parameters {
  return Object.fromEntries(Object.entries(parameters).filter(([name]) => name.startsWith(prefix)));
}

/**
 * Parameters before training. They depend on the seed and on each parameter's name alone.
 *
 * InternViT follows BEiT (arXiv 2106.08254, section 2.5): truncated normal of standard deviation `init.range`, output
 * weights of block l (from 1) divided by sqrt(2 l). LLaMA and the heads: normal of `init.range`. With
 * `init.range: 'fan-in'` the standard deviation is 1 / sqrt(inputs) and LLaMA's output weights are divided by
 * sqrt(2 depth), as in GPT-2. Tables of tokens and positions: 0.02. `text_projection`: 1 / sqrt(width), as in CLIP.
 */
export function initialise(config: ModelConfig, seed: number): Parameters {
  return Object.fromEntries(
    parameterSpecs(config).map((spec) => [spec.name, tf.tensor(initialValues(spec, config, seed), [...spec.shape])]),
  );
}

/** Values of one parameter before training, row-major. */
export function initialValues(spec: ParameterSpec, config: ModelConfig, seed: number): Float32Array {
  const values = new Float32Array(spec.shape.reduce((product, size) => product * size, 1));
  const constant = constantOf(spec, config);
  if (constant !== undefined) return values.fill(constant);
  const deviation = deviationOf(spec, config);
  const random = new RandomStream(seed, spec.name);
  const draw = spec.name.startsWith('vision_model.') ? () => random.truncatedNormal() : () => random.normal();
  for (let i = 0; i < values.length; i++) values[i] = deviation * draw();
  return values;
}

function constantOf({ kind }: ParameterSpec, { init }: ModelConfig): number | undefined {
  switch (kind) {
    case 'bias':
      return 0;
    case 'norm':
      return 1;
    case 'layer-scale':
      return init.layerScale;
    case 'logit-scale':
      return Math.log(1 / init.temperature);
    default:
      return undefined;
  }
}

function deviationOf({ name, kind, shape, layer }: ParameterSpec, { init, text }: ModelConfig): number {
  if (kind === 'embedding') return 0.02;
  if (kind === 'queries') return init.queries;
  if (kind === 'projection') return shape[0]! ** -0.5;
  const inputs = shape.slice(1).reduce((product, size) => product * size, 1);
  const deviation = init.range === 'fan-in' ? inputs ** -0.5 : init.range;
  if (kind !== 'residual') return deviation;
  if (name.startsWith('vision_model.')) return deviation / Math.sqrt(2 * (layer! + 1));
  return init.range === 'fan-in' ? deviation / Math.sqrt(2 * text.depth) : deviation;
}
