import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startBackend } from '../../../stages/backend/start.js';
import { contrastiveLoss } from '../../../stages/losses/contrastive.js';

describe.each(['tensorflow', 'wasm'] as const)('contrastiveLoss on %s', (prefer) => {
  beforeEach(async () => {
    await startBackend({ prefer });
    tf.engine().startScope();
  });
  afterEach(() => tf.engine().endScope());

  it('is ln B when everything looks the same', () => {
    const same = tf.ones([6, 1]);
    expect(contrastiveLoss(same, same, tf.scalar(1)).dataSync()[0]).toBeCloseTo(Math.log(6), 5);
  });

  it('is ln(1 + e^-s) for two opposite pairs at scale s / 2', () => {
    const pairs = tf.tensor2d([1, -1], [2, 1]);
    // Logits are s / 2 on the diagonal and -s / 2 beside it.
    const loss = contrastiveLoss(pairs, pairs, tf.scalar(Math.log(1.5)));
    expect(loss.dataSync()[0]).toBeCloseTo(Math.log(1 + Math.exp(-3)), 5);
  });

  it('leaves a pair of weight 0 out as a target, and keeps it as a negative', () => {
    const image = tf.tensor2d([1, 0, 0, 1, 1, 0], [3, 2]);
    const loss = contrastiveLoss(image, image, tf.scalar(0), { weights: tf.tensor1d([1, 1, 0]) });
    // Logits 1 0 1 / 0 1 0 for the first two rows: ln(2 e + 1) - 1 and ln(e + 2) - 1; the same by column.
    const expected = (Math.log(2 * Math.E + 1) - 1 + Math.log(Math.E + 2) - 1) / 2;
    expect(loss.dataSync()[0]).toBeCloseTo(expected, 5);
  });
});
