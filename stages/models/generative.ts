import * as tf from '@tensorflow/tfjs-core';
import type { ModelConfig } from './config.js';
import { poolQueries, projectText } from './internvl.js';
import { embedTokens, type TextInputs } from './llama.js';
import { type View, viewMask, views } from './masks.js';
import { inModule } from './module.js';
import { linear } from './ops/linear.js';
import { hideBehind, rowsAt } from './padding.js';
import type { Parameters } from './parameters.js';
import { qllama } from './qllama.js';

/** A batch of the generative stage: B images, and three texts of one padded length for each. */
export interface GenerativeInputs {
  /** Last hidden state of the vision tower, [B * N, Dv]. It is frozen in this stage. */
  readonly image: tf.Tensor;
  /** Number of images, B. */
  readonly batch: number;
  /** Texts to be matched: another image's caption in the first ceil(B / 2) rows, the image's own in the others. */
  readonly itm: TextInputs;
  /** Own captions for the contrastive loss, with the prefix that evaluation uses. */
  readonly itc: TextInputs;
  /** Own captions to be generated, behind the prompt. */
  readonly itg: TextInputs;
  /** The text positions of the generated view whose next token is asked for, rows of [B * L], int32 [N]. Default: all. */
  readonly asked?: tf.Tensor;
}

/** What the three losses are computed from. */
export interface GenerativeOutputs {
  /** No match or match, [B, 2]: `itm_head` averaged over the queries. */
  readonly itm: tf.Tensor;
  /** Pooled queries, [B, dim], of length 1. */
  readonly image: tf.Tensor;
  /** Text embeddings, [B, dim], of length 1. */
  readonly text: tf.Tensor;
  /** Logits of the next token at every position that is asked for, [N, vocabulary]. */
  readonly itg: tf.Tensor;
}

/**
 * Forward pass of stage 2 (arXiv 2312.14238, section 3.3; `modeling_internvl.py` of `internvl_stage2`): three sequences
 * [queries | text] for each image, which differ in their text and in who sees whom.
 */
export function generativeForward(
  parameters: Parameters,
  config: ModelConfig,
  inputs: GenerativeInputs,
): GenerativeOutputs {
  const { batch, image } = inputs;
  const queries = config.queries.count;
  const width = config.text.width;
  const length = inputs.itm.tokens.shape[1]!;
  const stack = (of: (text: TextInputs) => tf.Tensor) =>
    tf.stack(
      views.map((view) => of(inputs[view])),
      1,
    );
  // [B, 3, ...]: the sequences of one image follow each other, so that they can share its keys and values.
  const tokens = stack((text) => text.tokens);
  const ends = tf.reshape(
    stack((text) => text.ends),
    [-1],
  );
  const { asked = tf.range(0, batch * length, 1, 'int32') } = inputs;
  const parts = askedRows(queries, length, inputs.itc.ends, asked);
  const { hidden } = qllama(parameters, config, {
    image,
    batch,
    text: embedTokens(parameters, tokens),
    sequences: batch * views.length,
    mask: generativeMask(queries, length, ends),
    asked: tf.concat(parts),
  });
  const [matching, contrasted, atEnds, written] = tf.split(
    hidden,
    parts.map(({ size }) => size),
  ) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
  const matched = tf.mean(tf.reshape(matching, [batch, queries, width]), 1);
  return {
    // The mean over the queries and the head are both linear: the mean first is cheaper.
    itm: linear(matched, parameters['itm_head.weight']!, parameters['itm_head.bias']!),
    image: poolQueries(parameters, config, contrasted, batch),
    text: projectText(parameters, atEnds),
    itg: inModule('qllama.lm_head', () => linear(written, parameters['qllama.lm_head.weight']!)),
  };
}

/**
 * The rows of [B * 3 * (Q + L)] that the losses are computed from: queries for matching [B * Q], queries for the contrastive
 * loss [B * Q], end marks of its texts [B], and the asked positions of the generated texts [N].
 * @param ends position of the end mark of each text for the contrastive loss, int32 [B]
 * @param asked rows of [B * L], int32 [N]
 */
function askedRows(queries: number, length: number, ends: tf.Tensor, asked: tf.Tensor): tf.Tensor[] {
  const batch = ends.shape[0]!;
  const size = queries + length;
  const whole = (value: number) => tf.scalar(value, 'int32');
  const first = (view: View) =>
    tf.add(rowsAt(tf.zerosLike(ends), views.length * size), whole(views.indexOf(view) * size));
  const queriesOf = (view: View) =>
    tf.reshape(tf.add(tf.reshape(first(view), [batch, 1]), tf.range(0, queries, 1, 'int32')), [-1]);
  const image = tf.floorDiv(asked, whole(length));
  const skipped = tf.mul(image, whole(views.length * size - length));
  return [
    queriesOf('itm'),
    queriesOf('itc'),
    tf.add(tf.add(first('itc'), whole(queries)), ends),
    tf.add(tf.add(asked, skipped), whole(views.indexOf('itg') * size + queries)),
  ];
}

/**
 * Masks of the three views with padding hidden, [B * 3, 1, Q + L, Q + L].
 * @param ends position of the last token of each text, int32 [B * 3], the views of one image following each other
 */
export function generativeMask(queries: number, length: number, ends: tf.Tensor): tf.Tensor {
  const size = queries + length;
  const ways = tf.stack(views.map((view) => tf.tensor2d(viewMask(view, queries, length), [size, size])));
  const padding = tf.pad(hideBehind(ends, length) as tf.Tensor2D, [
    [0, 0],
    [queries, 0],
  ]);
  const masks = tf.add(tf.reshape(padding, [-1, views.length, 1, size]), ways);
  return tf.reshape(masks, [-1, 1, size, size]);
}
