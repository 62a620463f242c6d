/** The work of the generative stage. It is loaded when the stage runs: a plan needs no tensors. */
import * as tf from '@tensorflow/tfjs-core';
import type { RecordBatch } from 'apache-arrow';
import type { Observable } from 'rxjs';
import type { StageEvent } from '../../pipeline/metrics.js';
import { createRandom, deriveSeed } from '../../pipeline/run/random.js';
import type { PeakMemory, StageContext, StageInputs } from '../../pipeline/stage.js';
import type { Generative } from '../generative.js';
import { tokenizerOf } from '../hand-over.js';
import { countedTargets, evenTargets, itgTargets } from '../losses/itg.js';
import { itmLabels, withNegatives } from '../losses/itm.js';
import type { ModelConfig } from '../models/config.js';
import type { View } from '../models/masks.js';
import { readPrompt } from '../prompts.js';
import { endsOf, pixelTensor, type TokenIds, textInputs, tokenIds } from '../tensors.js';
import { exampleRows } from './example-rows.js';
import { generativeObjective } from './generative-objective.js';
import { checkVariables } from './memory.js';
import { loadModel } from './model-folder.js';
import { type PlannedJob, predictMemory } from './predict-memory.js';
import type { Recipe } from './recipe.js';
import { trainModel } from './train-model.js';

/** What the stage has decided: its options and how it trains. */
export interface GenerativeTraining {
  readonly config: Generative;
  readonly recipe: Recipe;
}

/** Trains from the checkpoint of `init`. */
export function trainGenerative(
  { config, recipe }: GenerativeTraining,
  inputs: StageInputs,
  context: StageContext,
): Observable<StageEvent> {
  return trainModel(async () => {
    const { folder } = tokenizerOf(inputs);
    await readPrompt(folder, config.tokens, config.length);
    const prompt = await readPrompt(folder, config.captions, config.length);
    const { config: model, parameters } = await loadModel(inputs.init!.folder, (sizes) =>
      checkVariables(sizes, recipe),
    );
    return { ...plannedJob({ config, recipe }, model, prompt.length, context.seed), parameters };
  }, context);
}

/** The memory of that training, for batches of so many rows; a prompt, of which the plan knows nothing, would take a little off it. */
export function generativeMemory(training: GenerativeTraining, model: ModelConfig, rows: number): Promise<PeakMemory> {
  const { pixels, tokens, captions, length } = training.config;
  const columns = { pixels, side: model.vision.image, tokens: [...new Set([tokens, captions])], length };
  return predictMemory(plannedJob(training, model, 1, 0), exampleRows(rows, columns));
}

/** @param prompt tokens in front of each caption */
function plannedJob(
  { config, recipe }: GenerativeTraining,
  model: ModelConfig,
  prompt: number,
  seed: number,
): PlannedJob {
  return {
    config: model,
    objective: generativeObjective(model, config.labelSmoothing),
    recipe,
    options: config,
    feeds: (batch, step) => feedsOf(batch, step, config, model, prompt, seed),
  };
}

function feedsOf(
  batch: RecordBatch,
  step: number,
  config: Generative,
  { text }: ModelConfig,
  prompt: number,
  seed: number,
): Record<string, tf.Tensor> {
  const own = tokenIds(batch, config.tokens, config.length, text.vocabulary);
  const captions = tokenIds(batch, config.captions, config.length, text.vocabulary);
  const shift = createRandom(deriveSeed(seed, 'negatives'), step).integer(Math.max(1, batch.numRows - 1));
  const matching = withNegatives(own, shift);
  const targets = itgTargets(captions.ids, endsOf(captions.lengths), prompt);
  const chunked = config.chunk !== undefined;
  const asked = chunked ? evenTargets(targets, batch.numRows, prompt) : countedTargets(targets);
  // By rows of the batch where it is to be cut into chunks.
  const shape = chunked ? [batch.numRows, asked.rows.length / batch.numRows] : [asked.rows.length];
  return {
    pixels: pixelTensor(batch, config.pixels),
    ...viewFeeds('itm', matching.texts),
    ...viewFeeds('itc', own),
    ...viewFeeds('itg', captions),
    itm_labels: tf.tensor1d(itmLabels(batch.numRows), 'int32'),
    itm_weights: tf.tensor1d(matching.weights),
    itm_total: tf.scalar(sumOf(matching.weights)),
    itg_rows: tf.tensor(asked.rows, shape, 'int32'),
    itg_labels: tf.tensor(asked.labels, shape, 'int32'),
    itg_weights: tf.tensor(asked.weights, shape),
    itg_total: tf.scalar(sumOf(asked.weights)),
  };
}

function viewFeeds(view: View, texts: TokenIds): Record<string, tf.Tensor> {
  const { tokens, ends } = textInputs(texts);
  return { [`${view}_tokens`]: tokens, [`${view}_ends`]: ends };
}

function sumOf(weights: Float32Array): number {
  return weights.reduce((sum, weight) => sum + weight, 0);
}
