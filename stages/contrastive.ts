import * as tf from '@tensorflow/tfjs-core';
import { Field, FixedSizeBinary, Int32, List, type RecordBatch } from 'apache-arrow';
import { defer, mergeAll } from 'rxjs';
import { AlignflowError } from '../pipeline/errors.js';
import { defineStage } from '../pipeline/stage.js';
import { startBackend } from './backend/start.js';
import { modelOf, tokenizerOf } from './hand-over.js';
import { contrastiveLoss } from './losses/contrastive.js';
import { imageTokens, type ModelConfig } from './models/config.js';
import { encodeImage, encodeText } from './models/internvl.js';
import { modelFacts } from './models/model-facts.js';
import { initialise } from './models/parameters.js';
import { parameterShapes } from './models/shapes.js';
import { modelConfig } from './models/sizes.js';
import { imageNet, imageTensor, tokenIds } from './tensors.js';
import { countTrained, type ParameterGroup } from './training/groups.js';
import { dropPathFactors, keptPatches } from './training/masking.js';
import { loadModel } from './training/model-folder.js';
import type { Objective } from './training/step.js';
import { trainingMetrics, trainModel } from './training/train-model.js';

/**
 * Stage 1 of InternVL (arXiv 2312.14238, section 3.3): aligns the vision tower and the text tower by CLIP's symmetric
 * cross-entropy. From scratch, or from the checkpoint of an earlier stage.
 */
export interface Contrastive {
  /** Size of the model: tiny, small, base or internvl-14b. The vocabulary is the tokenizer's. */
  model: string;
  /** Sizes of the vision tower that differ from the named one. */
  vision?: { width?: number; depth?: number; heads?: number; mlp?: number; patch?: number; image?: number };
  /** Sizes of the text tower that differ from the named one. */
  text?: { width?: number; depth?: number; heads?: number; mlp?: number };
  /** Sizes of the queries that differ from the named ones. */
  queries?: { count?: number; crossEvery?: number };
  /** Sizes of the shared space that differ from the named ones. */
  embed?: { dim?: number; poolHeads?: number };
  /** Column of images of one size. */
  pixels: string;
  /** Column of token ids. */
  tokens: string;
  /** Longest text, tokens; longer ones are cut, keeping their end mark. @minimum 3 */
  length: number;
  /** Steps, one batch each. @minimum 1 */
  steps: number;
  /** Steps of linear warm-up, before a cosine to zero. @minimum 0 */
  warmup: number;
  /** Peak learning rates of the vision tower, the text tower and the logit scale. */
  learningRate: { vision: number; text: number; scale: number };
  /** Decoupled weight decay of matrices. @minimum 0 */
  weightDecay: number;
  /** Decay of the second moment. @minimum 0 @maximum 1 */
  beta2: number;
  /** Largest global norm of the gradients. @exclusiveMinimum 0 */
  clipNorm: number;
  /** Share of the patches that is masked, for most of the run. @minimum 0 @maximum 0.95 */
  masking: number;
  /** Share of the steps, at the end of the run, without masking. @minimum 0 @maximum 1 */
  unmasked: number;
  /** Rate of drop path, the same in every layer of the vision tower. @minimum 0 @maximum 0.9 */
  dropPath: number;
  /** Steps between two checkpoints. @minimum 1 */
  checkpointEvery: number;
}

/** Parts that only the generative stage trains. */
const laterParts = [
  'query_tokens',
  '**.layers.*.cross_attn.**',
  'clip_projector2.**',
  'itm_head.**',
  'qllama.lm_head.**',
];

export default defineStage({
  name: 'contrastive',
  defaults: {
    model: 'tiny',
    pixels: 'pixels',
    tokens: 'tokens',
    length: 80,
    warmup: 100,
    learningRate: { vision: 1e-3, text: 1e-4, scale: 1e-3 },
    weightDecay: 0.1,
    beta2: 0.95,
    clipNorm: 1,
    masking: 0.5,
    unmasked: 0.02,
    dropPath: 0,
    checkpointEvery: 500,
  },
  takes: {
    rows: 'required',
    init: 'optional',
    tokenizer: 'optional',
    metrics: trainingMetrics,
  },
  reads: (config: Contrastive) => ({
    [config.pixels]: new FixedSizeBinary(3 * sizes(config, 1).vision.image ** 2),
    [config.tokens]: new List(new Field('item', new Int32(), true)),
  }),
  plan: (config, inputs) => {
    const model = sizes(config, tokenizerOf(inputs).vocabulary);
    if (inputs.init !== undefined) checkSame(model, modelOf(inputs.init));
    const { facts, memory, parameters } = modelFacts(model, countTrained(model, groupsOf(config)));
    return { facts, memory, hands: { checkpoint: { model: { ...model }, parameters } } };
  },
  run: (config, inputs, context) =>
    defer(async () => {
      const model = sizes(config, tokenizerOf(inputs).vocabulary);
      await startBackend();
      const parameters =
        inputs.init === undefined ? initialise(model, context.seed) : (await loadModel(inputs.init.folder)).parameters;
      return trainModel(
        {
          config: model,
          parameters,
          objective: objectiveOf(model),
          groups: groupsOf(config),
          schedule: { steps: config.steps, warmup: Math.min(config.warmup, config.steps - 1) },
          adamW: { beta1: 0.9, beta2: config.beta2, epsilon: 1e-8 },
          clipNorm: config.clipNorm,
          checkpointEvery: config.checkpointEvery,
          prepare: (batch, step) => ({
            feeds: feedsOf(batch, step, config, model, context.seed),
            samples: batch.numRows,
          }),
        },
        context,
      );
    }).pipe(mergeAll()),
});

/** The model: a named size, with the tokenizer's vocabulary and what the config changes. */
function sizes({ model, vision, text, queries, embed, length }: Contrastive, vocabulary: number): ModelConfig {
  const changes = { vision, text: { ...text, vocabulary }, queries, embed, maxTokens: length };
  return modelConfig(model, Object.fromEntries(Object.entries(changes).filter(([, change]) => change !== undefined)));
}

function groupsOf({ learningRate, weightDecay }: Contrastive): ParameterGroup[] {
  return [
    { match: laterParts, learningRate: 'frozen' },
    { match: ['vision_model.**', 'clip_projector.**'], learningRate: learningRate.vision, weightDecay },
    { match: ['qllama.**', 'text_projection'], learningRate: learningRate.text, weightDecay },
    { match: ['logit_scale'], learningRate: learningRate.scale },
  ];
}

function objectiveOf(model: ModelConfig): Objective {
  return (parameters, { images, keep, dropPath, tokens, ends }) => {
    const vision = {
      images: images!,
      ...(keep === undefined ? {} : { keep }),
      ...(dropPath === undefined ? {} : { dropPath }),
    };
    const image = encodeImage(parameters, model, vision);
    const text = encodeText(parameters, model, { tokens: tokens!, ends: ends! });
    return {
      loss: contrastiveLoss(image, text, parameters.logit_scale!),
      metrics: { logit_scale: parameters.logit_scale! },
    };
  };
}

function feedsOf(
  batch: RecordBatch,
  step: number,
  config: Contrastive,
  { vision }: ModelConfig,
  seed: number,
): Record<string, tf.Tensor> {
  const { numRows } = batch;
  const { ids, lengths, length } = tokenIds(batch, config.tokens, config.length);
  const patches = imageTokens(vision) - 1;
  // The last part of the run keeps all patches, by the same feed: a feed that came and went would be another program.
  const masking = step < config.steps * (1 - config.unmasked) ? config.masking : 0;
  return {
    images: imageTensor(batch, config.pixels, imageNet),
    tokens: tf.tensor2d(ids, [numRows, length], 'int32'),
    ends: tf.tensor1d(
      lengths.map((tokens) => tokens - 1),
      'int32',
    ),
    ...(config.masking > 0 ? { keep: keptPatches(numRows, patches, masking, seed, step) } : {}),
    ...(config.dropPath > 0 ? { dropPath: dropPathFactors(vision.depth, numRows, config.dropPath, seed, step) } : {}),
  };
}

/** Throws unless two models have the same parameters. */
function checkSame(model: ModelConfig, init: ModelConfig): void {
  const [ours, theirs] = [parameterShapes(model), parameterShapes(init)];
  const different = [...ours].find(([name, shape]) => String(shape) !== String(theirs.get(name)));
  if (different === undefined && ours.size === theirs.size) return;
  const [name, shape] = different ?? ['a parameter', []];
  throw new AlignflowError({
    what: `the checkpoint that it starts from is of another size: ${name} is [${theirs.get(name) ?? 'missing'}] there and [${shape}] here`,
    fix: 'give both stages the same model, vision, text, queries and embed',
  });
}
