import * as tf from '@tensorflow/tfjs-core';
import { type CrossEntropyOptions, softmaxCrossEntropy } from '../models/ops/cross-entropy.js';

/**
 * The contrastive loss of CLIP (arXiv 2103.00020, Figure 3): cross-entropy of each image against all texts and of each
 * text against all images, the mean of both. Row i of both inputs is a pair.
 *
 * @param image [B, dim], of length 1
 * @param text [B, dim], of length 1
 * @param logitScale logarithm of the inverse temperature, a scalar
 * @param options `weights` 0 for a pair that is no target: it still serves as a negative
 * @returns a scalar
 */
export function contrastiveLoss(
  image: tf.Tensor,
  text: tf.Tensor,
  logitScale: tf.Tensor,
  options: CrossEntropyOptions = {},
): tf.Tensor {
  const labels = tf.range(0, image.shape[0]!, 1, 'int32');
  const logits = tf.matMul(tf.mul(image, tf.exp(logitScale)), text as tf.Tensor2D, false, true);
  const byImage = softmaxCrossEntropy(logits, labels, options);
  const byText = softmaxCrossEntropy(tf.transpose(logits), labels, options);
  return tf.mul(tf.add(byImage, byText), 0.5);
}
