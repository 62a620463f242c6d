import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startBackend } from '../../../stages/backend/start.js';
import { generateCaptions } from '../../../stages/models/generate.js';
import { captions, config, groupOf, imageHidden } from './reference.js';

const searches = [
  { name: 'greedy', beams: 1, least: 0 },
  { name: 'greedy, at least 4', beams: 1, least: 4 },
  { name: 'beam 3', beams: 3, least: 0 },
  { name: 'beam 3, at least 3', beams: 3, least: 3 },
];

describe.each(['tensorflow', 'wasm'] as const)('captions against PyTorch without a cache, on %s', (prefer) => {
  beforeEach(async () => {
    await startBackend({ prefer });
    tf.engine().startScope();
  });
  afterEach(() => tf.engine().endScope());

  it.each(searches)('$name', ({ name, beams, least }) => {
    const weights = groupOf('weights');
    const image = imageHidden();
    const { prompt, end, new: most } = captions;
    const before = tf.memory().numTensors;
    const found = generateCaptions(weights, config, image, 5, { prompt, end, most, least, beams });
    expect(tf.memory().numTensors).toBe(before);
    expect(found).toEqual(captions[name]!.map((ids) => (ids.at(-1) === end ? ids.slice(0, -1) : ids)));
  });

  it('gives an image the same caption whatever else is in the batch', () => {
    const weights = groupOf('weights');
    const image = tf.reshape(imageHidden(), [5, -1, config.vision.width]);
    const options = { prompt: captions.prompt, end: captions.end, most: 6, beams: 3 };
    const alone = tf.unstack(image).map((one) => generateCaptions(weights, config, one, 1, options)[0]);
    expect(alone).toEqual(generateCaptions(weights, config, tf.reshape(image, [-1, config.vision.width]), 5, options));
  });
});

it('reports options that cannot be', async () => {
  await startBackend();
  const image = tf.zeros([5, config.vision.width]);
  const broken = { prompt: [], end: 20, most: 3, least: 3, beams: 0 };
  for (const problem of ['token id 20', 'the prompt is empty', 'least is 3', 'beams is 0']) {
    expect(() => generateCaptions({}, config, image, 1, broken)).toThrow(problem);
  }
  image.dispose();
});
