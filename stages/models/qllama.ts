import * as tf from '@tensorflow/tfjs-core';
import { hasCrossAttention, type ModelConfig } from './config.js';
import { feedForward, type KeyValues, selfAttention } from './decoder.js';
import { finalNorm } from './llama.js';
import { inModule } from './module.js';
import { attention } from './ops/attention.js';
import { checkpoint, checkpointsInUse } from './ops/checkpoint.js';
import { takeRows } from './ops/embedding.js';
import { columnsLinear, normLinear } from './ops/fold.js';
import { linear } from './ops/linear.js';
import { residual } from './ops/residual.js';
import { unitRms } from './ops/rms-norm.js';
import { rotaryTables } from './ops/rope.js';
import { type Parameters, parametersOf } from './parameters.js';

/** Sequences that begin with the queries, and the images that the queries look at. */
export interface QllamaInputs {
  /** Last hidden state of the vision tower, [B * N, Dv]. */
  readonly image: tf.Tensor;
  /** Number of images, B. */
  readonly batch: number;
  /**
   * What follows the queries, token embeddings [S * L, D]. S is B or a multiple of it; the sequences of one image follow
   * each other. Default: nothing, S = B.
   */
  readonly text?: tf.Tensor;
  /** Number of sequences, S. Default: B. */
  readonly sequences?: number;
  /** Added to the products before softmax, [1 or S, 1, T, T], T = Q + L. Default: every token sees every other. */
  readonly mask?: tf.Tensor;
  /**
   * Rows of [S * T] whose hidden state is asked for, int32 [N]: the feed-forward part of the last layer is computed for these
   * alone, as nobody attends to what it gives. Default: all.
   */
  readonly asked?: tf.Tensor;
}

/** What QLLaMA gives. */
export interface QllamaResult {
  /** Hidden state after the final norm, [S * T, D], queries first in each sequence; [N, D] of the rows that are asked for. */
  readonly hidden: tf.Tensor;
  /** Keys and values of each layer, for decoding further tokens; none where layers are checkpointed. */
  readonly keyValues: readonly KeyValues[];
}

/**
 * QLLaMA (arXiv 2312.14238, section 3.2; `modeling_qllama.py`): LLaMA over [queries | text], in which the queries attend
 * to the image in every `crossEvery`-th layer, after self-attention and before the feed-forward part. Positions count from
 * the first query.
 */
export function qllama(parameters: Parameters, config: ModelConfig, inputs: QllamaInputs): QllamaResult {
  const { text, queries } = config;
  const { batch, mask, asked, sequences = batch } = inputs;
  const own = tf.tile(parameters.query_tokens! as tf.Tensor3D, [sequences, 1, 1]);
  const start = inputs.text === undefined ? own : tf.concat([own, unflatten(inputs.text, sequences)], 1);
  const tokens = start.shape[1]!;
  const rotary = rotaryTables(0, tokens, text.width, text.heads, text.ropeBase);
  const image = unitRms(inputs.image, text.eps);
  const keyValues: KeyValues[] = [];
  let x = tf.reshape(start, [-1, text.width]);
  for (let layer = 0; layer < text.depth; layer++) {
    const crosses = hasCrossAttention(layer, queries);
    const constants = { ...rotary, ...(mask && { mask }), ...(asked && layer === text.depth - 1 && { asked }) };
    // A gradient may flow into the image as into a parameter.
    const given = { ...parametersOf(parameters, `qllama.model.layers.${layer}.`), ...(crosses && { image }) };
    x = checkpoint(x, given, constants, (x, own, { cos, sin, mask, asked }) => {
      const rotary = { cos: cos!, sin: sin! };
      const attended = selfAttention(own, text, layer, x, { batch: sequences, rotary, ...(mask && { mask }) });
      // What is checkpointed is gone when it is done.
      if (!checkpointsInUse()) keyValues.push(attended.keyValues);
      const looked = crosses
        ? onQueries(attended.x, sequences, queries.count, (part) =>
            crossAttention(own, config, layer, part, own.image!, batch),
          )
        : attended.x;
      return feedForward(own, text, layer, asked === undefined ? looked : takeRows(looked, asked));
    });
  }
  return { hidden: finalNorm(parameters, text, x), keyValues };
}

/**
 * x + attention(RMSNorm(x), RMSNorm(image)) without mask, positions and gate.
 * @param x queries [S * Q, D], those of one image following each other
 * @param image the image tokens divided by their root mean square, [B * N, Dv]
 */
function crossAttention(
  parameters: Parameters,
  { text }: ModelConfig,
  layer: number,
  x: tf.Tensor,
  image: tf.Tensor,
  batch: number,
): tf.Tensor {
  return inModule(`qllama.model.layers.${layer}.cross_attn`, () => {
    const of = (name: string) => parameters[`qllama.model.layers.${layer}.cross_attn.${name}.weight`]!;
    const [q] = normLinear(x, of('norm1'), text.eps, [of('q_proj')]);
    const [k, v] = columnsLinear(image, of('norm2'), [of('k_proj'), of('v_proj')]);
    // All queries of one image, of however many sequences, ask the same keys: nothing has to be repeated.
    const mixed = attention(q!, k!, v!, { batch, heads: text.heads });
    return residual(x, linear(mixed, of('o_proj')));
  });
}

/** Applies `change` to the first `count` tokens of each sequence of x [S * T, D]. */
function onQueries(x: tf.Tensor, sequences: number, count: number, change: (part: tf.Tensor) => tf.Tensor): tf.Tensor {
  const [rows, width] = x.shape as [number, number];
  const tokens = rows / sequences;
  if (tokens === count) return change(x);
  const [first, rest] = tf.split(unflatten(x, sequences), [count, tokens - count], 1) as [tf.Tensor, tf.Tensor];
  const changed = unflatten(change(tf.reshape(first, [-1, width])), sequences);
  return tf.reshape(tf.concat([changed, rest], 1), [rows, width]);
}

/** [S * T, D] to [S, T, D]. */
function unflatten(x: tf.Tensor, sequences: number): tf.Tensor {
  return tf.reshape(x, [sequences, -1, x.shape[1]!]);
}
