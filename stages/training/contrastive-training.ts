/** The work of the contrastive stage. It is loaded when the stage runs: a plan needs no tensors. */
import * as tf from '@tensorflow/tfjs-core';
import type { RecordBatch } from 'apache-arrow';
import type { Observable } from 'rxjs';
import type { StageEvent } from '../../pipeline/metrics.js';
import type { PeakMemory, StageContext, StageInputs } from '../../pipeline/stage.js';
import { sliceBytes } from '../backend/byte-tensor.js';
import type { Tensors } from '../backend/program.js';
import type { Contrastive } from '../contrastive.js';
import { tokenizerOf } from '../hand-over.js';
import { contrastiveLoss } from '../losses/contrastive.js';
import { imageTokens, type ModelConfig } from '../models/config.js';
import { encodeImage, encodeText } from '../models/internvl.js';
import { inModule } from '../models/module.js';
import { normalisePixels } from '../models/ops/normalise-pixels.js';
import { initialise } from '../models/parameters.js';
import { readPrompt } from '../prompts.js';
import { pixelTensor, textInputs, tokenIds } from '../tensors.js';
import type { TowerObjective } from './cached-step.js';
import { exampleRows } from './example-rows.js';
import { dropPathFactors, keptPatches } from './masking.js';
import { checkVariables } from './memory.js';
import { loadModel } from './model-folder.js';
import { type PlannedJob, predictMemory } from './predict-memory.js';
import type { Recipe } from './recipe.js';
import { trainModel } from './train-model.js';

/** What the stage has decided: its options, the model that they make, how it is trained. */
export interface ContrastiveTraining {
  readonly config: Contrastive;
  readonly model: ModelConfig;
  readonly recipe: Recipe;
}

/** Trains from scratch, or from the checkpoint of `init`. */
export function trainContrastive(
  { config, model, recipe }: ContrastiveTraining,
  inputs: StageInputs,
  context: StageContext,
): Observable<StageEvent> {
  return trainModel(async () => {
    await readPrompt(tokenizerOf(inputs).folder, config.tokens, config.length);
    checkVariables(model, recipe);
    const parameters =
      inputs.init === undefined ? initialise(model, context.seed) : (await loadModel(inputs.init.folder)).parameters;
    return { ...plannedJob({ config, model, recipe }, context.seed), parameters };
  }, context);
}

/** The memory of that training, for batches of so many rows. */
export function contrastiveMemory(training: ContrastiveTraining, rows: number): Promise<PeakMemory> {
  const { pixels, tokens, length } = training.config;
  const columns = { pixels, side: training.model.vision.image, tokens: [tokens], length };
  return predictMemory(plannedJob(training, 0), exampleRows(rows, columns));
}

function plannedJob({ config, model, recipe }: ContrastiveTraining, seed: number): PlannedJob {
  return {
    config: model,
    objective: objectiveOf(model, config.labelSmoothing),
    recipe,
    options: config,
    feeds: (batch, step) => feedsOf(batch, step, config, model, seed),
  };
}

function objectiveOf(model: ModelConfig, smoothing: number): TowerObjective {
  return {
    encode(parameters, { pixels, keep, dropPath, tokens, ends }) {
      const vision = {
        images: normalisePixels(pixels!, model.vision.pixels),
        ...(keep === undefined ? {} : { keep }),
        ...(dropPath === undefined ? {} : { dropPath }),
      };
      return {
        image: encodeImage(parameters, model, vision),
        text: encodeText(parameters, model, { tokens: tokens!, ends: ends! }),
      };
    },
    loss: (parameters, { image, text }) => ({
      loss: inModule('loss', () => contrastiveLoss(image!, text!, parameters.logit_scale!, { smoothing })),
      metrics: { logit_scale: parameters.logit_scale! },
    }),
    lossParameters: ['logit_scale'],
    rows: ({ pixels }) => pixels!.shape[0]!,
    slice: sliceFeeds,
  };
}

function sliceFeeds({ pixels, keep, dropPath, tokens, ends }: Tensors, from: number, to: number): Tensors {
  const rows = (tensor: tf.Tensor) => tf.slice(tensor, from, to - from);
  // The rows of drop path are its last axis.
  const columns = (tensor: tf.Tensor) =>
    tf.slice(tensor, [0, 0, from], [tensor.shape[0]!, tensor.shape[1]!, to - from]);
  return {
    pixels: sliceBytes(pixels!, from, to),
    tokens: rows(tokens!),
    ends: rows(ends!),
    ...(keep === undefined ? {} : { keep: rows(keep) }),
    ...(dropPath === undefined ? {} : { dropPath: columns(dropPath) }),
  };
}

function feedsOf(
  batch: RecordBatch,
  step: number,
  config: Contrastive,
  { vision, text }: ModelConfig,
  seed: number,
): Record<string, tf.Tensor> {
  const { numRows } = batch;
  const { masking, dropPath } = config;
  // The last part of the run keeps all patches, by the same feed: a feed that came and went would be another program.
  const masked = step < config.steps * (1 - config.unmasked) ? masking : 0;
  return {
    pixels: pixelTensor(batch, config.pixels),
    ...textInputs(tokenIds(batch, config.tokens, config.length, text.vocabulary)),
    ...(masking > 0 ? { keep: keptPatches(numRows, imageTokens(vision) - 1, masked, seed, step) } : {}),
    ...(dropPath > 0 ? { dropPath: dropPathFactors(vision.depth, numRows, dropPath, seed, step) } : {}),
  };
}
