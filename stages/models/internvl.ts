import * as tf from '@tensorflow/tfjs-core';
import { attentionPool } from './attention-pool.js';
import type { ModelConfig } from './config.js';
import { internvit, type VisionInputs } from './internvit.js';
import { llama, type TextInputs } from './llama.js';
import { l2Normalise } from './ops/l2-normalise.js';
import type { Parameters } from './parameters.js';

/**
 * Image embedding of InternVL-C: the vision tower's last hidden state, pooled.
 * @returns [B, dim], of length 1
 */
export function encodeImage(parameters: Parameters, config: ModelConfig, inputs: VisionInputs): tf.Tensor {
  const hidden = internvit(parameters, config.vision, inputs);
  return poolImage(parameters, config, hidden, inputs.images.shape[0]!);
}

/**
 * The pooled hidden state of the vision tower, `clip_projector`.
 * @param hidden [B * T, D]
 * @returns [B, dim], of length 1
 */
export function poolImage(parameters: Parameters, { embed }: ModelConfig, hidden: tf.Tensor, batch: number): tf.Tensor {
  return l2Normalise(attentionPool(parameters, 'clip_projector', hidden, batch, embed.poolHeads));
}

/**
 * Text embedding of InternVL-C and InternVL-G alike: the hidden state at the end mark times `text_projection`.
 * @returns [B, dim], of length 1
 */
export function encodeText(parameters: Parameters, config: ModelConfig, inputs: TextInputs): tf.Tensor {
  const projection = parameters.text_projection! as tf.Tensor2D;
  return l2Normalise(tf.matMul(llama(parameters, config.text, inputs) as tf.Tensor2D, projection));
}
