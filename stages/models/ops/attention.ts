import * as tf from '@tensorflow/tfjs-core';
import { toType } from '../../backend/bfloat16.js';
import { ownKernels } from '../../backend/kernels.js';
import { floatAttribute, type NativeOps, typeAttribute } from '../../backend/native.js';
import { differentiable } from './differentiable.js';
import { precisionInUse } from './precision.js';
import type { Transposed } from './product.js';

/** What attention works on besides queries, keys and values. */
export interface AttentionOptions {
  /** Number of sequences, B. */
  readonly batch: number;
  /** Number of heads, H; they lie side by side in D. */
  readonly heads: number;
  /** Factor of q k^T. Default: 1 / sqrt(D / H). Pass 1 where the queries are scaled already. */
  readonly scale?: number;
  /** Added to the scaled products before softmax: [1 or B, 1 or H, Tq, Tk]. No gradient flows into it. */
  readonly mask?: tf.Tensor;
}

/**
 * Scaled dot-product attention (arXiv 1706.03762, section 3.2), softmax(q k^T scale + mask) v in each head, computed in float32
 * in any precision. With our own kernels and `bf16`, queries, keys, values and result are bfloat16 in memory.
 * @param q [B * Tq, D]
 * @param k [B * Tk, D]
 * @param v [B * Tk, D]
 * @returns [B * Tq, D]
 */
export function attention(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, options: AttentionOptions): tf.Tensor {
  const scaled = { ...options, scale: options.scale ?? (q.shape[1]! / options.heads) ** -0.5 };
  const own = ownKernels();
  return own === undefined ? portable([q, k, v], scaled) : withKernels(own, [q, k, v], scaled);
}

type Scaled = AttentionOptions & { readonly scale: number };

function withKernels(own: NativeOps, inputs: Triple, { batch, heads, scale, mask }: Scaled): tf.Tensor {
  const type = precisionInUse() === 'bf16' ? 'bfloat16' : 'float32';
  const numbers = { batch, heads, scale };
  const attributes = [
    typeAttribute('T', type),
    ...Object.entries(numbers).map(([name, value]) => floatAttribute(name, value)),
  ];
  return differentiable(
    inputs,
    () => {
      const same = inputs.map((x) => toType(x, type)) as Triple;
      const hidden = mask ?? tf.zeros([0]);
      const [value, logSums] = own.execute('AlignflowAttention', attributes, [...same, hidden], 2);
      return { value: value!, saved: [...same, hidden, value!, logSums!] };
    },
    (dy, saved) => own.execute('AlignflowAttentionGradient', attributes, [toType(dy, type), ...saved], 3),
  );
}

function portable([q, k, v]: Triple, { batch, heads, scale, mask }: Scaled): tf.Tensor {
  return differentiable(
    [q, k, v],
    () => {
      // The queries are scaled, not the products: product, scale and mask in a row are one kernel for TensorFlow's graph
      // optimiser, and oneDNN has that one as reference code only (an eighth of the contrastive step of `tiny`, on AVX-512).
      const [qHeads, kHeads, vHeads] = [scaleBy(q, scale), k, v].map((x) => splitHeads(x, batch, heads)) as Triple;
      const products = product(qHeads, kHeads, { b: true });
      const weights = tf.softmax(mask === undefined ? products : tf.add(products, mask));
      return { value: joinHeads(product(weights, vHeads)), saved: [qHeads, kHeads, vHeads, weights] };
    },
    (dy, [q, k, v, weights]) => {
      const dyHeads = splitHeads(dy, batch, heads);
      const dWeights = product(dyHeads, v, { b: true });
      const inner = tf.sum(tf.mul(dWeights, weights), -1, true);
      const dProducts = tf.mul(weights, tf.sub(dWeights, inner));
      return [
        scaleBy(joinHeads(product(dProducts, k)), scale),
        joinHeads(product(dProducts, q, { a: true })),
        joinHeads(product(weights, dyHeads, { a: true })),
      ];
    },
  );
}

type Triple = [tf.Tensor, tf.Tensor, tf.Tensor];

function product(a: tf.Tensor, b: tf.Tensor, transposed: Transposed = {}): tf.Tensor {
  return tf.matMul(a, b, transposed.a, transposed.b);
}

function scaleBy(x: tf.Tensor, scale: number): tf.Tensor {
  return scale === 1 ? x : tf.mul(x, scale);
}

/** [B * T, D] to [B, H, T, D / H]. */
function splitHeads(x: tf.Tensor, batch: number, heads: number): tf.Tensor {
  const [rows, width] = x.shape as [number, number];
  return tf.transpose(tf.reshape(x, [batch, rows / batch, heads, width / heads]), [0, 2, 1, 3]);
}

/** [B, H, T, D / H] to [B * T, D]. */
function joinHeads(x: tf.Tensor): tf.Tensor {
  const [batch, heads, tokens, width] = x.shape as [number, number, number, number];
  return tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [batch * tokens, heads * width]);
}
