import * as tf from '@tensorflow/tfjs-core';
import { contrastiveLoss } from '../../../stages/losses/contrastive.js';
import { itgLoss } from '../../../stages/losses/itg.js';
import { itmLoss } from '../../../stages/losses/itm.js';
import type { GenerativeOutputs } from '../../../stages/models/generative.js';

/** What the three losses compare the model's outputs with: labels and weights of the rows of each. */
export interface Compared {
  readonly itmLabels: tf.Tensor;
  readonly itmWeights: tf.Tensor;
  readonly itcWeights: tf.Tensor;
  readonly itgLabels: tf.Tensor;
  readonly itgWeights: tf.Tensor;
}

/** The losses of stage 2 and their sum, as the reference has them. */
export function generativeLosses(outputs: GenerativeOutputs, compared: Compared, logitScale: tf.Tensor) {
  const itm = itmLoss(outputs.itm, compared.itmLabels, { weights: compared.itmWeights });
  const itc = contrastiveLoss(outputs.image, outputs.text, logitScale, { weights: compared.itcWeights });
  const itg = itgLoss(outputs.itg, compared.itgLabels, { weights: compared.itgWeights });
  return { loss: tf.addN([itm, itc, itg]), itm, itc, itg };
}
