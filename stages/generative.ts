import * as tf from '@tensorflow/tfjs-core';
import type { RecordBatch } from 'apache-arrow';
import { createRandom, deriveSeed } from '../pipeline/run/random.js';
import { defineStage, type StageInputs } from '../pipeline/stage.js';
import { checkTokenizer, handOver, modelOf, tokenizerOf } from './hand-over.js';
import { generativeLoss } from './losses/generative.js';
import { countedTargets, itgTargets } from './losses/itg.js';
import { itmLabels, withNegatives } from './losses/itm.js';
import type { ModelConfig } from './models/config.js';
import { generativeForward } from './models/generative.js';
import { internvit } from './models/internvit.js';
import type { View } from './models/masks.js';
import { modelFacts } from './models/model-facts.js';
import { readPrompt } from './prompts.js';
import { endsOf, imageTensor, modelColumns, type TokenIds, textInputs, tokenIds } from './tensors.js';
import { countTrained, type ParameterGroup } from './training/groups.js';
import { loadModel } from './training/model-folder.js';
import type { Objective } from './training/step.js';
import { trainingMetrics, trainModel } from './training/train-model.js';

/**
 * Stage 2 of InternVL (arXiv 2312.14238, section 3.3): starts from the contrastive checkpoint, keeps the vision tower and
 * LLaMA's layers frozen, and trains the queries, their cross-attention and the heads that the contrastive stage does not reach,
 * by the sum of BLIP-2's losses: matching (ITM), contrast (ITC) and generation (ITG). `train` names other parameters.
 * The rows of a batch are each other's negatives: `order/batch` with `distinct` keeps rows of one image apart.
 */
export interface Generative {
  /** Column of images of one size, the model's. */
  pixels: string;
  /** Column of token ids for matching and contrast: captions behind the prefix that evaluation uses. */
  tokens: string;
  /** Column of token ids to be generated: captions behind the prompt of captioning. */
  captions: string;
  /** Longest text, tokens, with prefix and both marks; longer ones are cut, keeping their end mark. @integer @minimum 3 */
  length: number;
  /** Steps, one batch each. @integer @minimum 1 */
  steps: number;
  /** Steps of linear warm-up, before a cosine to zero. @integer @minimum 0 */
  warmup: number;
  /** Peak learning rate. @exclusiveMinimum 0 */
  learningRate: number;
  /** Decoupled weight decay of matrices and queries; vectors have none. @minimum 0 */
  weightDecay: number;
  /** Decay of AdamW's second moment; that of the first is 0.9. @minimum 0 @exclusiveMaximum 1 */
  beta2: number;
  /** Largest global norm of the gradients. @exclusiveMinimum 0 */
  clipNorm: number;
  /** Steps between two checkpoints. @integer @minimum 1 */
  checkpointEvery: number;
}

/**
 * The queries, their cross-attention, and the heads that stage 1 does not reach (`modeling_internvl.py` of `internvl_stage2`).
 * Among these is LLaMA's own head: the paper's was pre-trained and stays frozen, here it is as it was initialised.
 */
const newParts = [
  'query_tokens',
  'qllama.model.layers.*.cross_attn.**',
  'clip_projector2.**',
  'itm_head.**',
  'qllama.lm_head.**',
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
  reads: ({ pixels, tokens, captions }: Generative, { init }) =>
    modelColumns(pixels, init === undefined ? 1 : modelOf(init).vision.image, [tokens, captions]),
  plan: (config, inputs) => {
    const init = inputs.init!;
    const model = modelOf(init);
    checkTokenizer(init, inputs);
    const { facts, memory, parameters } = modelFacts(model, countTrained(model, groupsOf(config, inputs)));
    return { facts, memory, hands: { checkpoint: handOver('generative', model, parameters, inputs, init) } };
  },
  run: (config, inputs, context) =>
    trainModel(async () => {
      const { folder } = tokenizerOf(inputs);
      await readPrompt(folder, config.tokens, config.length);
      const prompt = await readPrompt(folder, config.captions, config.length);
      const { config: model, parameters } = await loadModel(inputs.init!.folder);
      return {
        config: model,
        parameters,
        objective: objectiveOf(model),
        groups: groupsOf(config, inputs),
        options: config,
        feeds: (batch, step) => feedsOf(batch, step, config, model, prompt.length, context.seed),
      };
    }, context),
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
    const text = (view: View) => ({ tokens: feeds[`${view}_tokens`]!, ends: feeds[`${view}_ends`]! });
    const outputs = generativeForward(parameters, model, {
      image: internvit(parameters, model.vision, { images }),
      batch: images.shape[0]!,
      itm: text('itm'),
      itc: text('itc'),
      itg: text('itg'),
      asked: feeds.itg_rows!,
    });
    const targets = {
      itmLabels: feeds.itm_labels!,
      itmWeights: feeds.itm_weights!,
      itgLabels: feeds.itg_labels!,
      itgWeights: feeds.itg_weights!,
    };
    const { loss, itm, itc, itg } = generativeLoss(outputs, targets, parameters.logit_scale!);
    return { loss, metrics: { itm, itc, itg } };
  };
}

function feedsOf(
  batch: RecordBatch,
  step: number,
  config: Generative,
  { vision }: ModelConfig,
  prompt: number,
  seed: number,
): Record<string, tf.Tensor> {
  const own = tokenIds(batch, config.tokens, config.length);
  const captions = tokenIds(batch, config.captions, config.length);
  const shift = createRandom(deriveSeed(seed, 'negatives'), step).integer(Math.max(1, batch.numRows - 1));
  const matching = withNegatives(own, shift);
  const { rows, labels, weights } = countedTargets(itgTargets(captions.ids, endsOf(captions.lengths), prompt));
  return {
    images: imageTensor(batch, config.pixels, vision.pixels),
    ...viewFeeds('itm', matching.texts),
    ...viewFeeds('itc', own),
    ...viewFeeds('itg', captions),
    itm_labels: tf.tensor1d(itmLabels(batch.numRows), 'int32'),
    itm_weights: tf.tensor1d(matching.weights),
    itg_rows: tf.tensor1d(rows, 'int32'),
    itg_labels: tf.tensor1d(labels, 'int32'),
    itg_weights: tf.tensor1d(weights),
  };
}

function viewFeeds(view: View, texts: TokenIds): Record<string, tf.Tensor> {
  const { tokens, ends } = textInputs(texts);
  return { [`${view}_tokens`]: tokens, [`${view}_ends`]: ends };
}
