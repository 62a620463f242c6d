import * as tf from '@tensorflow/tfjs-core';
import type { TextConfig } from './config.js';
import { feedForward, selfAttention } from './decoder.js';
import { causalMask } from './masks.js';
import { inModule } from './module.js';
import { checkpoint } from './ops/checkpoint.js';
import { takeRows } from './ops/embedding.js';
import { rmsNorm } from './ops/rms-norm.js';
import { rotaryTables } from './ops/rope.js';
import { hideBehind, rowsAt } from './padding.js';
import { type Parameters, parametersOf } from './parameters.js';

/** A batch of texts. */
export interface TextInputs {
  /** Token ids, int32 [B, T]: begin mark, text, end mark, then padding. */
  readonly tokens: tf.Tensor;
  /** Position of each text's end mark, int32 [B]. */
  readonly ends: tf.Tensor;
}

/**
 * The LLaMA half of QLLaMA as a text encoder: the hidden state at each text's end mark, after the final norm. Attention is
 * causal, so what comes behind the end mark does not matter. In the last layer only the end marks ask.
 *
 * @returns [B, D]
 */
export function llama(parameters: Parameters, config: TextConfig, { tokens, ends }: TextInputs): tf.Tensor {
  const { width, heads, depth, ropeBase } = config;
  const [batch, length] = tokens.shape as [number, number];
  const rotary = rotaryTables(0, length, width, heads, ropeBase);
  const mask = tf.tensor4d(causalMask(length), [1, 1, length, length]);
  let x = embedTokens(parameters, tokens);
  for (let layer = 0; layer < depth - 1; layer++) {
    x = checkpoint(x, layerParameters(parameters, layer), { ...rotary, mask }, (x, own, { cos, sin, mask }) => {
      const attended = selfAttention(own, config, layer, x, { batch, rotary: { cos: cos!, sin: sin! }, mask: mask! });
      return feedForward(own, config, layer, attended.x);
    });
  }
  const at = (table: tf.Tensor) => tf.gather(table, ends as tf.Tensor1D);
  x = selfAttention(parameters, config, depth - 1, x, {
    batch,
    rotary,
    mask: tf.reshape(hideBehind(ends, length), [batch, 1, 1, length]),
    asking: { rows: rowsAt(ends, length), rotary: { cos: at(rotary.cos), sin: at(rotary.sin) } },
  }).x;
  return finalNorm(parameters, config, feedForward(parameters, config, depth - 1, x));
}

/** The parameters of a layer of LLaMA: those of its cross-attention are QLLaMA's. */
function layerParameters(parameters: Parameters, layer: number): Parameters {
  const own = Object.entries(parametersOf(parameters, `qllama.model.layers.${layer}.`));
  return Object.fromEntries(own.filter(([name]) => !name.includes('.cross_attn.')));
}

/** Embeddings of token ids of any shape, [N, D]. */
export function embedTokens(parameters: Parameters, tokens: tf.Tensor): tf.Tensor {
  return inModule('qllama.model.embed_tokens', () =>
    takeRows(parameters['qllama.model.embed_tokens.weight']!, tf.reshape(tokens, [-1])),
  );
}

/** The norm behind the last layer. */
export function finalNorm(parameters: Parameters, { eps }: TextConfig, x: tf.Tensor): tf.Tensor {
  return rmsNorm(x, parameters['qllama.model.norm.weight']!, eps);
}
