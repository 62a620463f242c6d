import * as tf from '@tensorflow/tfjs-core';
import { createRandom, deriveSeed } from '../../pipeline/run/random.js';

/**
 * The patches that stay when a share of them is masked (FLIP, arXiv 2212.00794; open_clip's PatchDropout): for each image
 * max(1, floor(patches * (1 - masked))) different ones at random, in their order. They depend on the seed and the step.
 *
 * @returns int32 [batch, kept]
 */
export function keptPatches(batch: number, patches: number, masked: number, seed: number, step: number): tf.Tensor2D {
  const kept = Math.max(1, Math.floor(patches * (1 - masked)));
  const random = createRandom(deriveSeed(seed, 'patches'), step);
  const order = Int32Array.from({ length: patches }, (_, i) => i);
  const values = new Int32Array(batch * kept);
  for (let image = 0; image < batch; image++) {
    // The first `kept` places of a Fisher-Yates shuffle; the order that it starts from does not matter.
    for (let i = 0; i < kept; i++) {
      const j = i + random.integer(patches - i);
      const chosen = order[j]!;
      order[j] = order[i]!;
      order[i] = chosen;
    }
    values.set(order.subarray(0, kept).toSorted(), image * kept);
  }
  return tf.tensor2d(values, [batch, kept], 'int32');
}

/**
 * Drop path (stochastic depth, arXiv 1603.09382): what each sample's branch is multiplied by, 0 or 1 / (1 - rate). The rate
 * is the same in every layer, as the paper of InternVL has it (section 4.1).
 *
 * @returns float32 [depth, 2, batch]
 */
export function dropPathFactors(depth: number, batch: number, rate: number, seed: number, step: number): tf.Tensor3D {
  const random = createRandom(deriveSeed(seed, 'drop-path'), step);
  const values = Float32Array.from({ length: depth * 2 * batch }, () => (random.next() < rate ? 0 : 1 / (1 - rate)));
  return tf.tensor3d(values, [depth, 2, batch]);
}
