/** Captions of a batch of images as two steps that can be recorded: all tokens are read in the same shapes. */
import * as tf from '@tensorflow/tfjs-core';
import type { Tensors } from '../backend/program.js';
import type { ModelConfig } from './config.js';
import { feedForward, type KeyValues, selfAttention } from './decoder.js';
import { embedTokens, finalNorm } from './llama.js';
import { hidden as never, viewMask } from './masks.js';
import { linear } from './ops/linear.js';
import { rotaryTables } from './ops/rope.js';
import { hideBehind, rowsAt } from './padding.js';
import type { Parameters } from './parameters.js';
import { qllama } from './qllama.js';

/** What both steps are made for. */
export interface CaptionShape {
  /** Token ids that every caption begins with. */
  readonly prompt: readonly number[];
  /** Most new tokens. */
  readonly most: number;
  /** Beams of each image. */
  readonly beams: number;
  /** Id of the end mark. */
  readonly end: number;
  /** Fewest new tokens before the end mark. */
  readonly least: number;
}

/** What a step gives: the best continuations of each image, and keys and values for the step behind it. */
export interface CaptionState extends Tensors {
  /** Sums of log-probabilities, best first, [B, 2 beams]. */
  readonly scores: tf.Tensor;
  /** beam * vocabulary + token, int32 [B, 2 beams]. */
  readonly choices: tf.Tensor;
}

/** What the next step is told of the search. */
export interface Chosen {
  /** Newest token of each beam, S of them: beams of one image follow each other. */
  readonly tokens: readonly number[];
  /** Which beam of the step before each one continues. */
  readonly sources: readonly number[];
  /** Sum of log-probabilities of each beam. */
  readonly scores: readonly number[];
  /** How many new tokens stand before these. */
  readonly before: number;
}

/**
 * Reads queries and prompt of every image. Each beam has its own keys and values from the start, with room for all tokens.
 *
 * @param image last hidden state of the vision tower, [B * N, Dv]
 * @param batch number of images, B
 */
export function beginCaptions(
  parameters: Parameters,
  config: ModelConfig,
  { image, batch }: { readonly image: tf.Tensor; readonly batch: number },
  shape: CaptionShape,
): CaptionState {
  const { count } = config.queries;
  const { prompt, beams } = shape;
  const length = count + prompt.length;
  const { hidden, keyValues } = qllama(parameters, config, {
    image,
    batch,
    text: embedTokens(parameters, tf.tile(tf.tensor1d([...prompt], 'int32'), [batch])),
    mask: tf.tensor4d(viewMask('itg', count, prompt.length), [1, 1, length, length]),
    asked: rowsAt(tf.fill([batch], length - 1, 'int32'), length),
  });
  const withRoom = (table: tf.Tensor) => {
    const tokens = tf.reshape(table, [batch, length, -1]) as tf.Tensor3D;
    const whole = tf.pad(tokens, [
      [0, 0],
      [0, roomOf(config, shape) - length],
      [0, 0],
    ]);
    return tf.reshape(tf.tile(tf.reshape(whole, [batch, 1, -1]), [1, beams, 1]), [batch * beams, -1]);
  };
  const first = nextLogProbabilities(parameters, hidden);
  const allowed = shape.least === 0 ? first : barEnd(first, shape.end, tf.scalar(never));
  return { ...bestOf(allowed, batch, beams), ...named(keyValues, withRoom) };
}

/** What `continueCaptions` is fed besides the state behind which it reads. */
export function tokenFeeds(config: ModelConfig, shape: CaptionShape, chosen: Chosen): Tensors {
  const { text, queries } = config;
  const position = queries.count + shape.prompt.length + chosen.before;
  const room = roomOf(config, shape);
  const { cos, sin } = rotaryTables(position, 1, text.width, text.heads, text.ropeBase);
  return {
    cos,
    sin,
    tokens: tf.tensor1d(chosen.tokens as number[], 'int32'),
    sources: tf.tensor1d(chosen.sources as number[], 'int32'),
    sums: tf.tensor2d(chosen.scores as number[], [chosen.scores.length, 1]),
    ends: tf.tensor1d([position], 'int32'),
    here: tf.tensor3d(
      Float32Array.from({ length: room }, (_, i) => (i === position ? 1 : 0)),
      [1, room, 1],
    ),
    ...(shape.least === 0 ? {} : { barrier: tf.scalar(chosen.before + 1 < shape.least ? never : 0) }),
  };
}

/** Reads the newest token of each beam, behind the keys and values of the beam that it continues. */
export function continueCaptions(
  parameters: Parameters,
  { text }: ModelConfig,
  { beams, end }: CaptionShape,
  feeds: Tensors,
): CaptionState {
  const { cos, sin, tokens, sources, sums, ends, here, barrier } = feeds as Readonly<Record<string, tf.Tensor>>;
  const sequences = tokens!.shape[0]!;
  const mask = tf.reshape(hideBehind(ends!, here!.shape[1]!), [1, 1, 1, -1]);
  const keyValues: KeyValues[] = [];
  let x = embedTokens(parameters, tokens!);
  for (let layer = 0; layer < text.depth; layer++) {
    const ofBeams = (name: string) => tf.reshape(tf.gather(feeds[name]!, sources as tf.Tensor1D), [-1, text.width]);
    const attended = selfAttention(parameters, text, layer, x, {
      batch: sequences,
      rotary: { cos: cos!, sin: sin! },
      mask,
      past: { k: ofBeams(`k${layer}`), v: ofBeams(`v${layer}`), here: here! },
    });
    keyValues.push(attended.keyValues);
    x = feedForward(parameters, text, layer, attended.x);
  }
  const next = nextLogProbabilities(parameters, finalNorm(parameters, text, x));
  const allowed = barrier === undefined ? next : barEnd(next, end, barrier);
  const bySequence = (table: tf.Tensor) => tf.reshape(table, [sequences, -1]);
  return { ...bestOf(tf.add(allowed, sums!), sequences / beams, beams), ...named(keyValues, bySequence) };
}

/** Tokens that the keys and values of a sequence have room for: the last new one is never read. */
function roomOf({ queries }: ModelConfig, { prompt, most }: CaptionShape): number {
  return queries.count + prompt.length + most - 1;
}

function named(keyValues: readonly KeyValues[], change: (table: tf.Tensor) => tf.Tensor): Tensors {
  return Object.fromEntries(
    keyValues.flatMap(({ k, v }, layer) => [
      [`k${layer}`, change(k)],
      [`v${layer}`, change(v)],
    ]),
  );
}

function nextLogProbabilities(parameters: Parameters, hidden: tf.Tensor): tf.Tensor {
  return tf.logSoftmax(linear(hidden, parameters['qllama.lm_head.weight']!));
}

/** Bars the end mark, or not, as `barrier` says. Behind softmax, so that the other tokens do not gain from it. */
function barEnd(logProbabilities: tf.Tensor, end: number, barrier: tf.Tensor): tf.Tensor {
  return tf.add(logProbabilities, tf.mul(tf.oneHot(tf.scalar(end, 'int32'), logProbabilities.shape[1]!), barrier));
}

/** The best continuations of each image, twice as many as there are beams: beams may end, and others take their place. */
function bestOf(sums: tf.Tensor, batch: number, beams: number): Pick<CaptionState, 'scores' | 'choices'> {
  const offered = tf.reshape(sums, [batch, -1]);
  const { values, indices } = tf.topk(offered, Math.min(2 * beams, offered.shape[1]!));
  return { scores: values, choices: indices };
}
