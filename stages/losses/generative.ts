import * as tf from '@tensorflow/tfjs-core';
import type { GenerativeOutputs } from '../models/generative.js';
import { contrastiveLoss } from './contrastive.js';
import { itgLoss } from './itg.js';
import { itmLoss } from './itm.js';

/** What the three losses compare the model's outputs with. */
export interface GenerativeTargets {
  /** 1 where the text of the matching view belongs to the image, int32 [B]. */
  readonly itmLabels: tf.Tensor;
  /** 0 for an empty text in the matching view, float32 [B]. Default: all 1. */
  readonly itmWeights?: tf.Tensor;
  /** 0 for an empty text in the contrastive view, float32 [B]. Default: all 1. */
  readonly itcWeights?: tf.Tensor;
  /** Next tokens of the generated view, int32 [N]: one for each of its logits. */
  readonly itgLabels: tf.Tensor;
  /** Which of them count, float32 [N]. */
  readonly itgWeights: tf.Tensor;
}

/** The sum of stage 2 and its parts, scalars. */
export interface GenerativeLosses {
  readonly loss: tf.Tensor;
  readonly itm: tf.Tensor;
  readonly itc: tf.Tensor;
  readonly itg: tf.Tensor;
}

/**
 * Loss of stage 2 (arXiv 2312.14238, section 3.3): ITC + ITM + ITG, unweighted.
 *
 * @param smoothing of the labels of ITC and ITG, as in BLIP-2, which has 0.1; none unless given
 */
export function generativeLoss(
  outputs: GenerativeOutputs,
  targets: GenerativeTargets,
  logitScale: tf.Tensor,
  smoothing = 0,
): GenerativeLosses {
  const itm = itmLoss(outputs.itm, targets.itmLabels, targets.itmWeights);
  const itc = contrastiveLoss(outputs.image, outputs.text, logitScale, {
    ...(targets.itcWeights === undefined ? {} : { weights: targets.itcWeights }),
    smoothing,
  });
  const itg = itgLoss(outputs.itg, targets.itgLabels, { weights: targets.itgWeights, smoothing });
  return { loss: tf.add(tf.add(itm, itc), itg), itm, itc, itg };
}
