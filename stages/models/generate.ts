import * as tf from '@tensorflow/tfjs-core';
import { AlignflowError } from '../../pipeline/errors.js';
import type { Tensors } from '../backend/program.js';
import { BeamSearch } from './beam-search.js';
import { beginCaptions, type CaptionShape, type CaptionState, continueCaptions, tokenFeeds } from './caption-steps.js';
import type { ModelConfig } from './config.js';
import type { Parameters } from './parameters.js';

/** How captions are searched. */
export interface CaptionOptions {
  /** Token ids that every caption begins with (begin mark and prompt); not part of the result. */
  readonly prompt: readonly number[];
  /** Id of the end mark. */
  readonly end: number;
  /** Most new tokens, end mark included. Default: 30, as in the paper's evaluation. */
  readonly most?: number;
  /** Fewest new tokens before the end mark. Default: 0 (the paper's evaluation: 8). */
  readonly least?: number;
  /** Number of beams; 1 is greedy search. Default: 5, as in the paper's evaluation. */
  readonly beams?: number;
}

/**
 * Captions from QLLaMA: queries and prompt go through once, then one token at a time with cached keys and values. A caption's
 * score is the mean log-probability of its tokens, end mark included; the search of an image ends when as many captions as
 * there are beams have ended.
 *
 * @param image last hidden state of the vision tower, [B * N, Dv]
 * @param batch number of images, B
 * @returns token ids of the best caption of each image, without prompt and end mark
 * @throws AlignflowError for options that cannot be
 */
export function generateCaptions(
  parameters: Parameters,
  config: ModelConfig,
  image: tf.Tensor,
  batch: number,
  options: CaptionOptions,
): number[][] {
  const shape = captionShape(config, options);
  const first = tf.tidy(() => beginCaptions(parameters, config, { image, batch }, shape));
  return searchCaptions(config, options, first, (feeds) =>
    tf.tidy(() => continueCaptions(parameters, config, shape, feeds)),
  );
}

/** What the steps of a search are made for. Throws an `AlignflowError` for options that cannot be. */
export function captionShape(config: ModelConfig, options: CaptionOptions): CaptionShape {
  const { prompt, end, most = 30, least = 0, beams = 5 } = options;
  checkOptions(options, config);
  return { prompt, end, most, least, beams };
}

/**
 * Searches behind the prompt, however the steps are run.
 *
 * @param first what `beginCaptions` gave; it is disposed of
 * @param read runs `continueCaptions`; what it gives belongs to the search, its feeds do not
 * @returns as `generateCaptions`
 */
export function searchCaptions(
  config: ModelConfig,
  options: CaptionOptions,
  first: CaptionState,
  read: (feeds: Tensors) => CaptionState,
): number[][] {
  const shape = captionShape(config, options);
  const { most, beams, end } = shape;
  const search = new BeamSearch(first.scores.shape[0]!, beams, end);
  let state = first;
  try {
    for (let done = 0; ; done++) {
      const { scores, choices, ...past } = state;
      search.advance({
        scores: scores.dataSync(),
        choices: choices.dataSync(),
        vocabulary: config.text.vocabulary,
      });
      if (search.finished || done === most - 1) return search.best();
      const chosen = tokenFeeds(config, shape, {
        tokens: search.tokens,
        // The prompt was read by one beam of each image, whose keys and values stand there for each of its beams.
        sources: done === 0 ? search.sources.map((source) => source * beams) : search.sources,
        scores: search.scores,
        before: done,
      });
      try {
        const next = read({ ...past, ...chosen });
        tf.dispose({ ...state });
        state = next;
      } finally {
        tf.dispose({ ...chosen });
      }
    }
  } finally {
    tf.dispose({ ...state });
  }
}

function checkOptions({ prompt, end, most = 30, least = 0, beams = 5 }: CaptionOptions, { text }: ModelConfig): void {
  const problems = [
    ...[...prompt, end]
      .filter((id) => !Number.isInteger(id) || id < 0 || id >= text.vocabulary)
      .map((id) => `token id ${id} is not in the vocabulary of ${text.vocabulary}`),
    ...(prompt.length === 0 ? ['the prompt is empty'] : []),
    ...(Number.isInteger(most) && most >= 1 ? [] : [`most is ${most}, not a whole number from 1`]),
    ...(Number.isInteger(least) && least >= 0 && least < most ? [] : [`least is ${least}, not from 0 to below most`]),
    ...(Number.isInteger(beams) && beams >= 1 && beams < text.vocabulary
      ? []
      : [`beams is ${beams}, not from 1 to below the vocabulary of ${text.vocabulary}`]),
  ];
  if (problems.length > 0) throw new AlignflowError({ what: `caption options: ${problems.join('; ')}` });
}
