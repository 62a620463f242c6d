import * as tf from '@tensorflow/tfjs-core';
import { bytesToFloat } from '../../backend/byte-tensor.js';
import { ownKernels } from '../../backend/kernels.js';
import type { ChannelStatistics } from '../config.js';

/**
 * Pixels as the vision tower reads them, (value / 255 - mean) / deviation by channel, in the order and precision of
 * torchvision's `ToTensor` and `Normalize`; without our own kernels in a recorded step up to a
 * rounding. It records no gradient.
 *
 * @param pixels bytes [B, S, S, 3] of `byteTensor`
 * @returns [B, S, S, 3]
 */
export function normalisePixels(pixels: tf.Tensor, { mean, deviation }: ChannelStatistics): tf.Tensor {
  return tf.tidy(() => {
    const [means, deviations] = [tf.tensor1d([...mean]), tf.tensor1d([...deviation])];
    const own = ownKernels();
    if (own !== undefined) return own.execute('AlignflowNormalise', [], [pixels, means, deviations], 1)[0]!;
    return tf.div(tf.sub(tf.div(bytesToFloat(pixels), 255), means), deviations);
  });
}
