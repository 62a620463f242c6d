import * as tf from '@tensorflow/tfjs-core';
import { inModule } from './module.js';
import { layerNorm, unitLayerNorm } from './ops/layer-norm.js';
import { linear } from './ops/linear.js';
import type { Parameters } from './parameters.js';

const eps = 1e-5;

/**
 * Attention pooling (`AttentionPoolingBlock` of the published model): the mean of all tokens asks, the tokens answer, one
 * vector comes out. Queries, keys and values have a LayerNorm each.
 *
 * With a single query there is no need for a key and a value of every token: q . (W_k u) = (W_k^T q) . u, and the values'
 * map commutes with the weighted mean. So both maps are applied to B rows instead of B * T.
 *
 * @param x [B * T, D]
 * @param prefix `clip_projector` or `clip_projector2`
 * @returns [B, dim]
 */
export function attentionPool(
  parameters: Parameters,
  prefix: string,
  x: tf.Tensor,
  batch: number,
  heads: number,
): tf.Tensor {
  return inModule(prefix, () => {
    const of = (name: string) => parameters[`${prefix}.${name}`]!;
    const width = x.shape[1]!;
    const headWidth = width / heads;
    const tokens = tf.reshape(x, [batch, -1, width]);
    const unit = tf.reshape(unitLayerNorm(x, eps), [batch, -1, width]);

    const mean = layerNorm(tf.mean(tokens, 1), of('norm1_q.weight'), of('norm1_q.bias'), eps);
    const q = tf.mul(linear(mean, of('cross_attn.q.weight'), of('cross_attn.q_bias')), headWidth ** -0.5);
    const qHeads = tf.transpose(tf.reshape(q, [batch, heads, headWidth]), [1, 0, 2]);
    // [H, B, D]: the query of each head, seen from the keys' inputs.
    const asked = tf.matMul(qHeads, tf.reshape(of('cross_attn.k.weight'), [heads, headWidth, width]));
    const biases = tf.add(
      tf.sum(tf.mul(asked, of('norm1_k.bias')), -1, true),
      tf.sum(tf.mul(qHeads, tf.reshape(of('cross_attn.k_bias'), [heads, 1, headWidth])), -1, true),
    );
    const products = tf.matMul(tf.transpose(tf.mul(asked, of('norm1_k.weight')), [1, 0, 2]), unit, false, true);
    const weights = tf.softmax(tf.add(products, tf.transpose(biases, [1, 0, 2])));

    const answer = tf.add(tf.mul(tf.matMul(weights, unit), of('norm1_v.weight')), of('norm1_v.bias'));
    const value = tf.reshape(of('cross_attn.v.weight'), [heads, headWidth, width]);
    const pooled = tf.matMul(tf.transpose(answer, [1, 0, 2]), value, false, true);
    const joined = tf.reshape(tf.transpose(pooled, [1, 0, 2]), [batch, width]);
    return linear(tf.add(joined, of('cross_attn.v_bias')), of('cross_attn.proj.weight'), of('cross_attn.proj.bias'));
  });
}
