import * as tf from '@tensorflow/tfjs-core';
import type { TextConfig } from './config.js';
import { inModule } from './module.js';
import { attention } from './ops/attention.js';
import { takeRows } from './ops/embedding.js';
import { normLinear } from './ops/fold.js';
import { linear } from './ops/linear.js';
import { residual } from './ops/residual.js';
import { type RotaryTables, rope } from './ops/rope.js';
import { swiglu } from './ops/swiglu.js';
import type { Parameters } from './parameters.js';

/** Keys (rotated) and values of one layer, each [B * T, D]. */
export interface KeyValues {
  readonly k: tf.Tensor;
  readonly v: tf.Tensor;
}

/** Room for the keys and values of a whole sequence, which is filled token by token. */
export interface Cache extends KeyValues {
  /** One where the next token's keys and values belong, else zero, as the room is there: [1, Tk, 1]. */
  readonly here: tf.Tensor;
}

/** What self-attention of a layer works on besides the hidden state. */
export interface SelfAttentionInputs {
  /** Number of sequences, B. */
  readonly batch: number;
  /** Tables for the positions of the hidden state. */
  readonly rotary: RotaryTables;
  /** Added to the products before softmax, [1 or B, 1, Tq, Tk]. Default: every token sees every other. */
  readonly mask?: tf.Tensor;
  /** Keys and values of the tokens before, [B * Tk, D], for a hidden state of one token each; `mask` hides the room left. */
  readonly past?: Cache;
  /** The only rows of the hidden state that ask, one in each sequence, where the others' results are not needed. */
  readonly asking?: { readonly rows: tf.Tensor; readonly rotary: RotaryTables };
}

/** What self-attention gives. */
export interface SelfAttentionResult {
  /** Hidden state with the attention added, [B * Tq, D]. */
  readonly x: tf.Tensor;
  /** Keys and values of all tokens, those of `past` included. */
  readonly keyValues: KeyValues;
}

/**
 * First half of a LLaMA layer (arXiv 2302.13971, section 2.2): x + attention(RMSNorm(x)) with rotary positions, no biases.
 * @param x [B * T, D]
 */
export function selfAttention(
  parameters: Parameters,
  config: TextConfig,
  layer: number,
  x: tf.Tensor,
  inputs: SelfAttentionInputs,
): SelfAttentionResult {
  return inModule(`qllama.model.layers.${layer}.self_attn`, () => {
    const { batch, rotary, mask, past, asking } = inputs;
    const { heads, eps } = config;
    const of = (name: string) => parameters[`qllama.model.layers.${layer}.${name}.weight`]!;
    const norm = of('input_layernorm');
    const projections = ['self_attn.k_proj', 'self_attn.v_proj'].map(of);
    const query = of('self_attn.q_proj');
    const asks = asking === undefined ? x : takeRows(x, asking.rows);
    const [k, v, own] = normLinear(x, norm, eps, asking === undefined ? [...projections, query] : projections);
    const q = own ?? normLinear(asks, norm, eps, [query])[0]!;
    const keyValues = written(past, { k: rope(k!, heads, rotary), v: v! }, batch);
    const mixed = attention(rope(q, heads, asking?.rotary ?? rotary), keyValues.k, keyValues.v, {
      batch,
      heads,
      ...(mask === undefined ? {} : { mask }),
    });
    return { x: residual(asks, linear(mixed, of('self_attn.o_proj'))), keyValues };
  });
}

/**
 * Second half of a LLaMA layer: x + SwiGLU(RMSNorm(x)), no biases.
 * @param x [N, D]
 */
export function feedForward(parameters: Parameters, { eps }: TextConfig, layer: number, x: tf.Tensor): tf.Tensor {
  return inModule(`qllama.model.layers.${layer}.mlp`, () => {
    const of = (name: string) => parameters[`qllama.model.layers.${layer}.${name}.weight`]!;
    const norm = of('post_attention_layernorm');
    const [gate, up] = normLinear(x, norm, eps, [of('mlp.gate_proj'), of('mlp.up_proj')]);
    return residual(x, linear(swiglu(gate!, up!), of('mlp.down_proj')));
  });
}

/** The cache with a token's keys and values in their place. */
function written(cache: Cache | undefined, { k, v }: KeyValues, batch: number): KeyValues {
  if (cache === undefined) return { k, v };
  const { here } = cache;
  const write = (room: tf.Tensor, one: tf.Tensor) => {
    const tokens = tf.reshape(room, [batch, here.shape[1]!, -1]);
    return tf.reshape(tf.add(tokens, tf.mul(tf.reshape(one, [batch, 1, -1]), here)), room.shape);
  };
  return { k: write(cache.k, k), v: write(cache.v, v) };
}
