import { AlignflowError } from '../../pipeline/errors.js';

/** InternViT: the vision transformer. */
export interface VisionConfig {
  /** Width D of a token. */
  readonly width: number;
  /** Number of blocks. */
  readonly depth: number;
  /** Attention heads; must divide `width`. */
  readonly heads: number;
  /** Hidden width of the MLP. */
  readonly mlp: number;
  /** Side of a square patch, pixels; must divide `image`. */
  readonly patch: number;
  /** Side of the square input image, pixels. */
  readonly image: number;
  /** Added to the mean square in RMSNorm. */
  readonly eps: number;
  /** What an image is normalised with before the first layer. */
  readonly pixels: ChannelStatistics;
}

/** Mean and standard deviation of the red, green and blue of the images, of values in 0..1. */
export interface ChannelStatistics {
  readonly mean: readonly [number, number, number];
  readonly deviation: readonly [number, number, number];
}

/** LLaMA: the text tower, and the body of QLLaMA. */
export interface TextConfig {
  /** Width D of a token. */
  readonly width: number;
  /** Number of decoder layers. */
  readonly depth: number;
  /** Attention heads; must divide `width` into an even number (rotary embedding works on halves). */
  readonly heads: number;
  /** Hidden width of SwiGLU. */
  readonly mlp: number;
  /** Number of token ids. */
  readonly vocabulary: number;
  /** Base of the rotary frequencies. */
  readonly ropeBase: number;
  /** Added to the mean square in RMSNorm. */
  readonly eps: number;
}

/** The learnable queries that make QLLaMA out of LLaMA. */
export interface QueryConfig {
  /** Number of queries. */
  readonly count: number;
  /** Layers with index % crossEvery = 0 have cross-attention to the image. */
  readonly crossEvery: number;
}

/** The shared space of image and text. */
export interface EmbedConfig {
  /** Width of the shared space. */
  readonly dim: number;
  /** Heads of the attention pooling; must divide the vision width and the text width. */
  readonly poolHeads: number;
}

/** Values before training. */
export interface InitConfig {
  /** Standard deviation of linear weights, or `fan-in`: 1 / sqrt(inputs), which suits widths far below 1000. */
  readonly range: number | 'fan-in';
  /** Every element of `ls1` and `ls2`. */
  readonly layerScale: number;
  /** Standard deviation of the queries. */
  readonly queries: number;
  /** Temperature t of the contrastive loss; `logit_scale` starts at ln(1 / t). */
  readonly temperature: number;
}

/** Everything that fixes the shapes of an InternVL model (arXiv 2312.14238) and its values before training. */
export interface ModelConfig {
  readonly vision: VisionConfig;
  readonly text: TextConfig;
  readonly queries: QueryConfig;
  readonly embed: EmbedConfig;
  readonly init: InitConfig;
  /** Longest text, tokens, begin and end marks included. */
  readonly maxTokens: number;
}

/** A part of a config: what is left out keeps its value. */
export type ModelChanges = { readonly [K in keyof ModelConfig]?: Partial<ModelConfig[K]> };

/** Tokens that leave the vision tower for one image: the patches and CLS. */
export function imageTokens({ image, patch }: VisionConfig): number {
  return (image / patch) ** 2 + 1;
}

/** Whether decoder layer `layer` (from 0) has cross-attention to the image. */
export function hasCrossAttention(layer: number, { crossEvery }: QueryConfig): boolean {
  return layer % crossEvery === 0;
}

/**
 * A config with some of its values changed, checked.
 * @throws AlignflowError that lists everything wrong at once.
 */
export function changeConfig(config: ModelConfig, changes: ModelChanges): ModelConfig {
  return checkConfig({
    vision: { ...config.vision, ...changes.vision },
    text: { ...config.text, ...changes.text },
    queries: { ...config.queries, ...changes.queries },
    embed: { ...config.embed, ...changes.embed },
    init: { ...config.init, ...changes.init },
    maxTokens: changes.maxTokens ?? config.maxTokens,
  });
}

/**
 * The same config, or an error.
 * @throws AlignflowError that lists everything wrong at once.
 */
export function checkConfig(config: ModelConfig): ModelConfig {
  const problems = [...wholeNumbers(config), ...otherNumbers(config), ...divisions(config)];
  if (problems.length === 0) return config;
  throw new AlignflowError({
    what: `model config: ${problems.join('; ')}`,
    expected: 'widths that their heads divide, an image side that the patch side divides, positive sizes',
    fix: 'correct the values, or start from a named size',
  });
}

function* wholeNumbers({ vision, text, queries, embed, maxTokens }: ModelConfig): Generator<string> {
  const { eps: _visionEps, pixels: _pixels, ...visionSizes } = vision;
  const { eps: _textEps, ropeBase: _ropeBase, ...textSizes } = text;
  const parts = { vision: visionSizes, text: textSizes, queries, embed, '': { maxTokens } };
  for (const [part, sizes] of Object.entries(parts)) {
    for (const [key, value] of Object.entries(sizes)) {
      const name = part === '' ? key : `${part}.${key}`;
      if (!Number.isSafeInteger(value) || value < 1) yield `${name} is ${value}, not a whole number from 1`;
    }
  }
}

function* otherNumbers({ vision, text, init }: ModelConfig): Generator<string> {
  const positive = {
    'vision.eps': vision.eps,
    'text.eps': text.eps,
    'text.ropeBase': text.ropeBase,
    'init.temperature': init.temperature,
  };
  for (const [channel, value] of vision.pixels.deviation.entries()) {
    if (!(Number.isFinite(value) && value > 0))
      yield `vision.pixels.deviation[${channel}] is ${value}, not a number above 0`;
  }
  for (const [channel, value] of vision.pixels.mean.entries()) {
    if (!Number.isFinite(value)) yield `vision.pixels.mean[${channel}] is ${value}, not a number`;
  }
  for (const [name, value] of Object.entries(positive)) {
    if (!(Number.isFinite(value) && value > 0)) yield `${name} is ${value}, not a number above 0`;
  }
  for (const name of ['layerScale', 'queries'] as const) {
    if (!Number.isFinite(init[name])) yield `init.${name} is ${init[name]}, not a number`;
  }
  if (init.range !== 'fan-in' && !(Number.isFinite(init.range) && init.range > 0)) {
    yield `init.range is ${init.range}, neither a number above 0 nor fan-in`;
  }
}

function* divisions({ vision, text, embed }: ModelConfig): Generator<string> {
  const rules = [
    ['vision.heads', vision.heads, 'vision.width', vision.width],
    ['vision.patch', vision.patch, 'vision.image', vision.image],
    ['text.heads', text.heads, 'text.width', text.width],
    ['embed.poolHeads', embed.poolHeads, 'vision.width', vision.width],
    ['embed.poolHeads', embed.poolHeads, 'text.width', text.width],
  ] as const;
  for (const [divisorName, divisor, name, value] of rules) {
    if (value % divisor !== 0) yield `${divisorName} (${divisor}) does not divide ${name} (${value})`;
  }
  const headWidth = text.width / text.heads;
  if (Number.isInteger(headWidth) && headWidth % 2 !== 0) {
    yield `text.width / text.heads is ${headWidth}, but the rotary embedding needs an even number`;
  }
}
