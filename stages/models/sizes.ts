import { AlignflowError } from '../../pipeline/errors.js';
import { type ChannelStatistics, changeConfig, type ModelChanges, type ModelConfig } from './config.js';

/** ImageNet's statistics, as the published model uses them. */
const imageNet: ChannelStatistics = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] };

/** Those of drawings on white: the background of emoji is most of each picture. */
const drawings: ChannelStatistics = { mean: [0.8, 0.76, 0.72], deviation: [0.3, 0.31, 0.34] };

/**
 * The named sizes.
 * - `tiny`: 2 cores, 32 px pictures such as emoji; about 1.5 million parameters plus two embeddings of the vocabulary.
 * - `small`: vision tower as wide and deep as ViT-S/16.
 * - `base`: vision tower as wide and deep as ViT-B/16.
 * - `internvl-14b`: the published model, 13,834,975,747 parameters (arXiv 2312.14238, Tables 1 and 4).
 */
export const modelSizes = {
  tiny: {
    vision: { width: 128, depth: 4, heads: 4, mlp: 512, patch: 8, image: 32, eps: 1e-6, pixels: drawings },
    text: { width: 128, depth: 2, heads: 4, mlp: 336, vocabulary: 1024, ropeBase: 10000, eps: 1e-6 },
    queries: { count: 8, crossEvery: 2 },
    embed: { dim: 128, poolHeads: 4 },
    init: { range: 'fan-in', layerScale: 0.1, queries: 0.02, temperature: 0.07 },
    maxTokens: 80,
  },
  small: {
    vision: { width: 384, depth: 12, heads: 6, mlp: 1536, patch: 16, image: 224, eps: 1e-6, pixels: imageNet },
    text: { width: 384, depth: 12, heads: 6, mlp: 1024, vocabulary: 32000, ropeBase: 10000, eps: 1e-6 },
    queries: { count: 32, crossEvery: 2 },
    embed: { dim: 384, poolHeads: 6 },
    init: { range: 0.02, layerScale: 0.1, queries: 0.02, temperature: 0.07 },
    maxTokens: 80,
  },
  base: {
    vision: { width: 768, depth: 12, heads: 12, mlp: 3072, patch: 16, image: 224, eps: 1e-6, pixels: imageNet },
    text: { width: 768, depth: 12, heads: 12, mlp: 2048, vocabulary: 32000, ropeBase: 10000, eps: 1e-6 },
    queries: { count: 64, crossEvery: 2 },
    embed: { dim: 512, poolHeads: 12 },
    init: { range: 0.02, layerScale: 0.1, queries: 0.02, temperature: 0.07 },
    maxTokens: 80,
  },
  'internvl-14b': {
    vision: { width: 3200, depth: 48, heads: 25, mlp: 12800, patch: 14, image: 224, eps: 1e-6, pixels: imageNet },
    text: { width: 4096, depth: 32, heads: 32, mlp: 11008, vocabulary: 49954, ropeBase: 10000, eps: 1e-6 },
    queries: { count: 96, crossEvery: 2 },
    embed: { dim: 768, poolHeads: 16 },
    init: { range: 0.02, layerScale: 0.1, queries: 0.02, temperature: 0.07 },
    maxTokens: 80,
  },
} as const satisfies Record<string, ModelConfig>;

/** A name of `modelSizes`. */
export type ModelSize = keyof typeof modelSizes;

/**
 * The config of a named size, with some of its values changed (the vocabulary is the tokenizer's, for one).
 * @throws AlignflowError for a name that is not there or values that do not fit together.
 */
export function modelConfig(size: string, changes: ModelChanges = {}): ModelConfig {
  if (!Object.hasOwn(modelSizes, size)) {
    throw new AlignflowError({
      what: `there is no model size "${size}"`,
      expected: `one of ${Object.keys(modelSizes).join(', ')}`,
    });
  }
  return changeConfig(modelSizes[size as ModelSize], changes);
}
