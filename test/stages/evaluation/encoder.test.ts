import * as tf from '@tensorflow/tfjs-core';
import type { RecordBatch } from 'apache-arrow';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pixelsField } from '../../../operators/images/pixels.js';
import { batchOf, fixedBinaryColumn, int32ListColumn } from '../../../pipeline/batch/build.js';
import { withColumn } from '../../../pipeline/batch/columns.js';
import { sliceBatch } from '../../../pipeline/batch/concat.js';
import { createRandom } from '../../../pipeline/run/random.js';
import { startBackend } from '../../../stages/backend/start.js';
import { Encoder, joined } from '../../../stages/evaluation/encoder.js';
import { encodeImageG, encodeText } from '../../../stages/models/internvl.js';
import { normalisePixels } from '../../../stages/models/ops/normalise-pixels.js';
import { pixelTensor, textInputs, tokenIds } from '../../../stages/tensors.js';
import { captions, groupOf, config as reference } from '../models/reference.js';

/** The reference knows pixels as numbers alone. */
const config = {
  ...reference,
  vision: { ...reference.vision, pixels: { mean: [0.5, 0.4, 0.3], deviation: [0.2, 0.3, 0.4] } },
} as const;
const ROWS = 7;
const LENGTH = 6;
const { image: side } = config.vision;

/** Images and texts at random. */
function rows(): RecordBatch {
  const random = createRandom(5);
  const pixels = fixedBinaryColumn(
    side * side * 3,
    Array.from({ length: ROWS }, () => Uint8Array.from({ length: side * side * 3 }, () => random.integer(256))),
  );
  const texts = Array.from({ length: ROWS }, (_, row) => [
    1,
    ...Array.from({ length: 1 + (row % 4) }, () => 3 + random.integer(10)),
    captions.end,
  ]);
  const batch = batchOf({ pixels, tokens: int32ListColumn(texts) });
  return withColumn(batch, pixelsField('pixels', side, side), pixels);
}

const options = {
  mode: 'g',
  pixels: 'pixels',
  tokens: 'tokens',
  length: LENGTH,
  captions: { prompt: captions.prompt, end: captions.end, most: 5, beams: 3 },
} as const;

/** All rows in batches of `size`. */
function encode(size: number) {
  const before = tf.memory().numTensors;
  const batch = rows();
  const encoder = new Encoder(groupOf('weights'), config, options);
  for (let from = 0; from < ROWS; from += size) {
    const part = sliceBatch(batch, from, Math.min(ROWS, from + size));
    encoder.addImages(part);
    encoder.addTexts(part);
  }
  const { reason } = encoder;
  encoder.dispose();
  expect(tf.memory().numTensors).toBe(before);
  return { images: joined(encoder.images), texts: joined(encoder.texts), captions: encoder.captions, reason };
}

describe.each(['tensorflow', 'wasm'] as const)('the encoder on %s', (prefer) => {
  beforeEach(async () => {
    await startBackend({ prefer });
  });
  afterEach(() => vi.unstubAllEnvs());

  it('gives what the model gives, whatever the batches are', () => {
    const { images, texts } = encode(ROWS);
    const [expectedImages, expectedTexts] = tf.tidy(() => {
      const [weights, batch] = [groupOf('weights'), rows()];
      const pixels = normalisePixels(pixelTensor(batch, 'pixels'), config.vision.pixels);
      const inputs = textInputs(tokenIds(batch, 'tokens', LENGTH, config.text.vocabulary));
      return [
        encodeImageG(weights, config, { images: pixels }).dataSync<'float32'>(),
        encodeText(weights, config, inputs).dataSync<'float32'>(),
      ];
    });
    expect(furthest(images, expectedImages!)).toBeLessThan(1e-5);
    expect(furthest(texts, expectedTexts!)).toBeLessThan(1e-5);
    // The last batch has one row, or three.
    for (const size of [3, 4]) {
      const found = encode(size);
      expect(furthest(found.images, images)).toBeLessThan(1e-5);
      expect(furthest(found.texts, texts)).toBeLessThan(1e-5);
    }
  });

  it('writes the same captions recorded and op by op', () => {
    const found = encode(4);
    vi.stubEnv('ALIGNFLOW_COMPILE', '0');
    const single = encode(4);
    expect(found.captions).toHaveLength(ROWS);
    expect(found.captions).toEqual(single.captions);
    expect(found.reason).toBe(prefer === 'wasm' ? 'the backend wasm knows no graphs' : undefined);
    expect(single.reason).toBeDefined();
  });
});

/** Largest difference; infinite where the lengths differ. */
function furthest(found: Float32Array, expected: Float32Array): number {
  if (found.length !== expected.length || found.length === 0) return Number.POSITIVE_INFINITY;
  return found.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
}
