import * as tf from '@tensorflow/tfjs-core';
import { attentionPool } from './attention-pool.js';
import type { ModelConfig } from './config.js';
import { internvit, type VisionInputs } from './internvit.js';
import { llama, type TextInputs } from './llama.js';
import { l2Normalise } from './ops/l2-normalise.js';
import type { Parameters } from './parameters.js';
import { qllama } from './qllama.js';

/**
 * Image embedding of InternVL-C: the vision tower's last hidden state, pooled.
 * @returns [B, dim], of length 1
 */
export function encodeImage(parameters: Parameters, config: ModelConfig, inputs: VisionInputs): tf.Tensor {
  return poolImage(parameters, config, internvit(parameters, config.vision, inputs), inputs.images.shape[0]!);
}

/**
 * Image embedding of InternVL-G: that of InternVL-C plus the pooled queries, an ensemble of both.
 * @returns [B, dim], of length 1
 */
export function encodeImageG(parameters: Parameters, config: ModelConfig, inputs: VisionInputs): tf.Tensor {
  return poolImageG(parameters, config, internvit(parameters, config.vision, inputs), inputs.images.shape[0]!);
}

/**
 * Text embedding of InternVL-C and InternVL-G alike: the hidden state at the end mark times `text_projection`.
 * @returns [B, dim], of length 1
 */
export function encodeText(parameters: Parameters, config: ModelConfig, inputs: TextInputs): tf.Tensor {
  return projectText(parameters, llama(parameters, config.text, inputs));
}

/**
 * InternVL-C's embedding from the last hidden state of the vision tower.
 * @param hidden [B * N, Dv]
 * @returns [B, dim], of length 1
 */
export function poolImage(parameters: Parameters, { embed }: ModelConfig, hidden: tf.Tensor, batch: number): tf.Tensor {
  return l2Normalise(attentionPool(parameters, 'clip_projector', hidden, batch, embed.poolHeads));
}

/**
 * InternVL-G's embedding from the last hidden state of the vision tower.
 * @param hidden [B * N, Dv]
 * @returns [B, dim], of length 1
 */
export function poolImageG(parameters: Parameters, config: ModelConfig, hidden: tf.Tensor, batch: number): tf.Tensor {
  const queries = poolQueries(parameters, config, queryPass(parameters, config, hidden, batch), batch);
  return l2Normalise(tf.add(poolImage(parameters, config, hidden, batch), queries));
}

/**
 * The queries alone through QLLaMA, all of them seeing each other.
 * @param hidden last hidden state of the vision tower, [B * N, Dv]
 * @returns [B * Q, D]
 */
export function queryPass(parameters: Parameters, config: ModelConfig, hidden: tf.Tensor, batch: number): tf.Tensor {
  return qllama(parameters, config, { image: hidden, batch }).hidden;
}

/**
 * The pooled outputs of the queries, `clip_projector2`.
 * @param outputs [B * Q, D]
 * @returns [B, dim], of length 1
 */
export function poolQueries(
  parameters: Parameters,
  { embed }: ModelConfig,
  outputs: tf.Tensor,
  batch: number,
): tf.Tensor {
  return l2Normalise(attentionPool(parameters, 'clip_projector2', outputs, batch, embed.poolHeads));
}

/**
 * The text embedding from the hidden state at the end mark; `text_projection` is input-major.
 * @param hidden [B, D]
 * @returns [B, dim], of length 1
 */
export function projectText(parameters: Parameters, hidden: tf.Tensor): tf.Tensor {
  return l2Normalise(tf.matMul(hidden as tf.Tensor2D, parameters.text_projection! as tf.Tensor2D));
}
