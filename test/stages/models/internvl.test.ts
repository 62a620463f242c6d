import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startBackend } from '../../../stages/backend/start.js';
import { contrastiveLoss } from '../../../stages/losses/contrastive.js';
import { internvit } from '../../../stages/models/internvit.js';
import { encodeImage, encodeImageG, encodeText, queryPass } from '../../../stages/models/internvl.js';
import { llama } from '../../../stages/models/llama.js';
import type { Parameters } from '../../../stages/models/parameters.js';
import { config, distance, groupOf, imageHidden, tensorOf } from './reference.js';

describe.each(['tensorflow', 'wasm'] as const)('against PyTorch, on %s', (prefer) => {
  beforeEach(async () => {
    await startBackend({ prefer });
    tf.engine().startScope();
  });
  afterEach(() => tf.engine().endScope());

  const images = () => ({ images: tensorOf('inputs/images') });
  const random = () => ({ ...images(), keep: tensorOf('inputs/keep'), dropPath: tensorOf('inputs/dropPath') });
  const texts = () => ({
    tokens: tensorOf('inputs/contrastive/tokens'),
    ends: tensorOf('inputs/contrastive/ends'),
  });

  it('gives the last hidden state of the vision tower', () => {
    expect(distance(internvit(groupOf('weights'), config.vision, images()), 'outputs/vision')).toBeLessThan(1e-5);
  });

  it('drops patches and branches as told', () => {
    const hidden = internvit(groupOf('weights'), config.vision, random());
    expect(distance(hidden, 'outputs/vision/random')).toBeLessThan(1e-5);
  });

  it('gives the hidden state of the text tower at the end marks', () => {
    expect(distance(llama(groupOf('weights'), config.text, texts()), 'outputs/text')).toBeLessThan(1e-5);
  });

  it('gives the embeddings of InternVL-C', () => {
    const weights = groupOf('weights');
    expect(distance(encodeImage(weights, config, images()), 'outputs/image/C')).toBeLessThan(1e-5);
    expect(distance(encodeText(weights, config, texts()), 'outputs/embed/text')).toBeLessThan(1e-5);
  });

  it('gives the query outputs and the image embedding of InternVL-G', () => {
    const weights = groupOf('weights');
    const queries = queryPass(weights, config, imageHidden(), 5);
    expect(distance(queries, 'outputs/queries')).toBeLessThan(1e-5);
    expect(distance(encodeImageG(weights, config, images()), 'outputs/image/G')).toBeLessThan(1e-5);
  });

  it('gives the contrastive loss and its gradient for every parameter, and leaks no tensor', () => {
    const weights = groupOf('weights');
    const expected = groupOf('gradients/contrastive');
    const names = Object.keys(expected);
    const inputs = [random(), texts()] as const;
    const lossOf = (...values: tf.Tensor[]) => {
      const parameters: Parameters = { ...weights, ...Object.fromEntries(names.map((name, i) => [name, values[i]!])) };
      const image = encodeImage(parameters, config, inputs[0]);
      return contrastiveLoss(image, encodeText(parameters, config, inputs[1]), parameters.logit_scale!) as tf.Scalar;
    };
    const before = tf.memory().numTensors;
    const { value, grads } = tf.valueAndGrads(lossOf)(names.map((name) => weights[name]!));
    expect(tf.memory().numTensors - before).toBe(names.length + 1);
    expect(distance(value, 'outputs/contrastive')).toBeLessThan(1e-5);
    const distances = names.map((name, i) => [name, distance(grads[i]!, `gradients/contrastive/${name}`)] as const);
    expect(distances.filter(([, far]) => far > 2e-5)).toEqual([]);
    expect(grads.map(({ shape }) => shape)).toEqual(names.map((name) => weights[name]!.shape));
  });
});

it('says what is wrong with images of another size', async () => {
  await startBackend();
  const images = tf.zeros([2, 16, 8, 3]);
  expect(() => tf.tidy(() => internvit({}, config.vision, { images }))).toThrow(
    /\[2, 16, 8, 3\]\n.*\[batch, 8, 8, 3\]/,
  );
  images.dispose();
});
