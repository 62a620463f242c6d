import * as tf from '@tensorflow/tfjs-core';
import { Field, FixedSizeBinary, Int32, List, type RecordBatch } from 'apache-arrow';
import { defer, mergeAll } from 'rxjs';
import { createRandom, deriveSeed } from '../pipeline/run/random.js';
import { defineStage, type StageInputs } from '../pipeline/stage.js';
import { checkVocabulary, modelOf, tokenizerOf } from './hand-over.js';
import { generativeLoss } from './losses/generative.js';
import { itgTargets } from './losses/itg.js';
import { itmLabels } from './losses/itm.js';
import type { ModelConfig } from './models/config.js';
import { generativeForward } from './models/generative.js';
import { internvit } from './models/internvit.js';
import { modelFacts } from './models/model-facts.js';
import { readPrompts } from './prompts.js';
import { imageNet, imageTensor, type TokenIds, tokenIds } from './tensors.js';
import { countTrained, type ParameterGroup } from './training/groups.js';
import { loadModel } from './training/model-folder.js';
import type { Objective } from './training/step.js';
import { trainingMetrics, trainModel } from './training/train-model.js';

/**
 * Stage 2 of InternVL (arXiv 2312.14238, section 3.3): starts from the contrastive checkpoint, keeps the vision tower and
 * LLaMA frozen, and trains the queries, their cross-attention and the new heads on BLIP-2's three losses.
 */
export interface Generative {
  /** Column of images of one size. */
  pixels: string;
  /** Column of token ids for matching and contrast: captions behind the prefix that evaluation uses. */
  tokens: string;
  /** Column of token ids to be generated: captions behind the prompt of captioning. */
  captions: string;
  /** Longest text, tokens; longer ones are cut, keeping their end mark. @minimum 3 */
  length: number;
  /** Steps, one batch each. @minimum 1 */
  steps: number;
  /** Steps of linear warm-up, before a cosine to zero. @minimum 0 */
  warmup: number;
  /** Peak learning rate. @exclusiveMinimum 0 */
  learningRate: number;
  /** Decoupled weight decay of matrices. @minimum 0 */
  weightDecay: number;
  /** Decay of the second moment. @minimum 0 @maximum 1 */
  beta2: number;
  /** Largest global norm of the gradients. @exclusiveMinimum 0 */
  clipNorm: number;
  /** Steps between two checkpoints. @minimum 1 */
  checkpointEvery: number;
}

/** What the paper's stage 2 trains: the queries, their cross-attention, and the heads that stage 1 did not have. */
const newParts = [
  'query_tokens',
  'qllama.model.layers.*.cross_attn.**',
  'clip_projector2.**',
  'itm_head.**',
  'logit_scale',
];

export default defineStage({
  name: 'generative',
  defaults: {
    pixels: 'pixels',
    tokens: 'tokens',
    captions: 'caption_tokens',
    length: 80,
    warmup: 50,
    learningRate: 5e-5,
    weightDecay: 0.05,
    beta2: 0.98,
    clipNorm: 1,
    checkpointEvery: 500,
  },
  takes: { rows: 'required', init: 'required', tokenizer: 'optional', train: true, metrics: trainingMetrics },
  reads: ({ pixels, tokens, captions }: Generative, { init }) => {
    const ids = new List(new Field('item', new Int32(), true));
    const side = init === undefined ? 1 : modelOf(init).vision.image;
    return { [pixels]: new FixedSizeBinary(3 * side ** 2), [tokens]: ids, [captions]: ids };
  },
  plan: (config, inputs) => {
    const model = modelOf(inputs.init!);
    checkVocabulary(model, inputs);
    const { facts, memory, parameters } = modelFacts(model, countTrained(model, groupsOf(config, inputs)));
    return { facts, memory, hands: { checkpoint: { model: { ...model }, parameters } } };
  },
  run: (config, inputs, context) =>
    defer(async () => {
      const { config: model, parameters } = await loadModel(inputs.init!.folder);
      const prompt = (await readPrompts(tokenizerOf(inputs).folder, config.captions)).length;
      return trainModel(
        {
          config: model,
          parameters,
          objective: objectiveOf(model),
          groups: groupsOf(config, inputs),
          schedule: { steps: config.steps, warmup: Math.min(config.warmup, config.steps - 1) },
          adamW: { beta1: 0.9, beta2: config.beta2, epsilon: 1e-8 },
          clipNorm: config.clipNorm,
          checkpointEvery: config.checkpointEvery,
          prepare: (batch, step) => ({
            feeds: feedsOf(batch, step, config, prompt, context.seed),
            samples: batch.numRows,
          }),
        },
        context,
      );
    }).pipe(mergeAll()),
});

function groupsOf({ learningRate, weightDecay }: Generative, { train }: StageInputs): ParameterGroup[] {
  return [
    { match: train ?? newParts, learningRate, weightDecay },
    { match: ['**'], learningRate: 'frozen' },
  ];
}

function objectiveOf(model: ModelConfig): Objective {
  return (parameters, feeds) => {
    const images = feeds.images!;
    const text = (view: string) => ({ tokens: feeds[`${view}_tokens`]!, ends: feeds[`${view}_ends`]! });
    const outputs = generativeForward(parameters, model, {
      image: internvit(parameters, model.vision, { images }),
      batch: images.shape[0]!,
      itm: text('itm'),
      itc: text('itc'),
      itg: text('itg'),
    });
    const targets = { itmLabels: feeds.itm_labels!, itgLabels: feeds.itg_labels!, itgWeights: feeds.itg_weights! };
    const { loss, itm, itc, itg } = generativeLoss(outputs, targets, parameters.logit_scale!);
    return { loss, metrics: { itm, itc, itg } };
  };
}

function feedsOf(
  batch: RecordBatch,
  step: number,
  config: Generative,
  prompt: number,
  seed: number,
): Record<string, tf.Tensor> {
  const own = tokenIds(batch, config.tokens, config.length);
  const captions = tokenIds(batch, config.captions, config.length);
  const { labels, weights } = itgTargets(captions.ids, endsOf(captions), prompt);
  return {
    images: imageTensor(batch, config.pixels, imageNet),
    ...textFeeds(
      'itm',
      withNegatives(own, createRandom(deriveSeed(seed, 'negatives'), step).integer(Math.max(1, batch.numRows - 1))),
    ),
    ...textFeeds('itc', own),
    ...textFeeds('itg', captions),
    itm_labels: tf.tensor1d(itmLabels(batch.numRows), 'int32'),
    itg_labels: tf.tensor1d(labels, 'int32'),
    itg_weights: tf.tensor1d(weights),
  };
}

/** The texts with another image's in the first ceil(B / 2) rows: row i takes that of row i + 1 + `shift`, around the end. */
function withNegatives({ ids, lengths, batch, length }: TokenIds, shift: number): TokenIds {
  const mixed = ids.slice();
  const mixedLengths = lengths.slice();
  for (let row = 0; row < Math.ceil(batch / 2); row++) {
    const other = (row + 1 + shift) % batch;
    mixed.set(ids.subarray(other * length, (other + 1) * length), row * length);
    mixedLengths[row] = lengths[other]!;
  }
  return { ids: mixed, lengths: mixedLengths, batch, length };
}

function textFeeds(view: string, tokens: TokenIds): Record<string, tf.Tensor> {
  return {
    [`${view}_tokens`]: tf.tensor2d(tokens.ids, [tokens.batch, tokens.length], 'int32'),
    [`${view}_ends`]: tf.tensor1d(endsOf(tokens), 'int32'),
  };
}

/** Position of each text's end mark. */
function endsOf({ lengths }: TokenIds): Int32Array {
  return lengths.map((length) => length - 1);
}
