import * as tf from '@tensorflow/tfjs-core';
import { AlignflowError } from '../../pipeline/errors.js';
import { BeamSearch } from './beam-search.js';
import type { ModelConfig } from './config.js';
import { feedForward, type KeyValues, selfAttention } from './decoder.js';
import { embedTokens, finalNorm } from './llama.js';
import { viewMask } from './masks.js';
import { linear } from './ops/linear.js';
import { rotaryTables } from './ops/rope.js';
import { rowsAt } from './padding.js';
import type { Parameters } from './parameters.js';
import { qllama } from './qllama.js';

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

/** Added to the log-probability of the end mark where it must not come yet. */
const never = -1e9;

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
  const { prompt, end, most = 30, least = 0, beams = 5 } = options;
  checkOptions(options, config);
  const search = new BeamSearch(batch, beams, end);
  let state = tf.tidy(() => readPrompt(parameters, config, image, batch, prompt));
  try {
    for (let step = 0; step < most; step++) {
      search.advance(bestNext(state.logits, search, step < least ? end : undefined));
      if (search.finished || step === most - 1) break;
      const next = tf.tidy(() => readTokens(parameters, config, state, search));
      tf.dispose(state);
      state = next;
    }
  } finally {
    tf.dispose(state);
  }
  return search.best();
}

/** What decoding goes on from. */
type State = {
  /** Logits of the next token, [S, vocabulary]. */
  logits: tf.Tensor;
  /** Keys and values of each layer, [S, T * D] each. */
  past: { k: tf.Tensor; v: tf.Tensor }[];
  /** Tokens read, T. */
  length: number;
};

function readPrompt(
  parameters: Parameters,
  config: ModelConfig,
  image: tf.Tensor,
  batch: number,
  prompt: readonly number[],
): State {
  const length = config.queries.count + prompt.length;
  const { hidden, keyValues } = qllama(parameters, config, {
    image,
    batch,
    text: embedTokens(parameters, tf.tile(tf.tensor1d([...prompt], 'int32'), [batch])),
    mask: tf.tensor4d(viewMask('itg', config.queries.count, prompt.length), [1, 1, length, length]),
    asked: rowsAt(tf.fill([batch], length - 1, 'int32'), length),
  });
  return { logits: nextLogits(parameters, hidden), past: bySequence(keyValues, batch), length };
}

/** Reads the newest token of each beam, behind the past of the beam that it continues. */
function readTokens(parameters: Parameters, { text }: ModelConfig, state: State, search: BeamSearch): State {
  const rows = tf.tensor1d(search.sources, 'int32');
  const sequences = rows.shape[0];
  const rotary = rotaryTables(state.length, 1, text.width, text.heads, text.ropeBase);
  const keyValues: KeyValues[] = [];
  let x = embedTokens(parameters, tf.tensor1d(search.tokens, 'int32'));
  for (let layer = 0; layer < text.depth; layer++) {
    const { k, v } = state.past[layer]!;
    const rowsOf = (table: tf.Tensor) => tf.reshape(tf.gather(table, rows), [-1, text.width]);
    const attended = selfAttention(parameters, text, layer, x, {
      batch: sequences,
      rotary,
      past: { k: rowsOf(k), v: rowsOf(v) },
    });
    keyValues.push(attended.keyValues);
    x = feedForward(parameters, text, layer, attended.x);
  }
  const logits = nextLogits(parameters, finalNorm(parameters, text, x));
  return { logits, past: bySequence(keyValues, sequences), length: state.length + 1 };
}

function nextLogits(parameters: Parameters, hidden: tf.Tensor): tf.Tensor {
  return linear(hidden, parameters['qllama.lm_head.weight']!);
}

function bySequence(keyValues: readonly KeyValues[], sequences: number): State['past'] {
  return keyValues.map(({ k, v }) => ({ k: tf.reshape(k, [sequences, -1]), v: tf.reshape(v, [sequences, -1]) }));
}

/** The best continuations of each image, twice as many as there are beams: beams may end, and others take their place. */
function bestNext(logits: tf.Tensor, search: BeamSearch, barred: number | undefined) {
  const [sequences, vocabulary] = logits.shape as [number, number];
  const { values, indices } = tf.tidy(() => {
    const logprobs = tf.logSoftmax(logits);
    // Barred after softmax, so that the other tokens do not gain from it.
    const allowed =
      barred === undefined
        ? logprobs
        : tf.add(logprobs, tf.mul(tf.oneHot(tf.scalar(barred, 'int32'), vocabulary), never));
    const sums = tf.add(allowed, tf.tensor2d(search.scores, [sequences, 1]));
    const choices = tf.reshape(sums, [search.images, -1]);
    return tf.topk(choices, Math.min(2 * search.beams, choices.shape[1]!));
  });
  const result = { scores: values.dataSync() as Float32Array, choices: indices.dataSync() as Int32Array, vocabulary };
  tf.dispose([values, indices]);
  return result;
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
