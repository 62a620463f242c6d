import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startBackend } from '../../../stages/backend/start.js';
import { countedTargets } from '../../../stages/losses/itg.js';
import { generativeForward, generativeMask } from '../../../stages/models/generative.js';
import { views } from '../../../stages/models/masks.js';
import type { Parameters } from '../../../stages/models/parameters.js';
import { generativeLosses } from './generative-losses.js';
import { config, distance, groupOf, imageHidden, tensorOf, valuesOf } from './reference.js';

describe.each(['tensorflow', 'wasm'] as const)('stage 2 against PyTorch, on %s', (prefer) => {
  beforeEach(async () => {
    await startBackend({ prefer });
    tf.engine().startScope();
  });
  afterEach(() => tf.engine().endScope());

  const textsOf = (view: string) => ({
    tokens: tensorOf(`inputs/${view}/tokens`),
    ends: tensorOf(`inputs/${view}/ends`),
  });
  const inputs = () => ({
    image: imageHidden(),
    batch: 5,
    itm: textsOf('itm'),
    itc: textsOf('itc'),
    itg: textsOf('itg'),
  });
  const targets = () => ({
    itmLabels: tensorOf('inputs/itm/labels'),
    itmWeights: tensorOf('inputs/itm/weights'),
    itcWeights: tensorOf('inputs/itc/weights'),
    itgLabels: tf.reshape(tensorOf('inputs/itg/labels'), [-1]),
    itgWeights: tf.reshape(tensorOf('inputs/itg/weights'), [-1]),
  });

  it('shows to each view what it may see', () => {
    const ends = tf.reshape(
      tf.stack(
        views.map((view) => tensorOf(`inputs/${view}/ends`)),
        1,
      ),
      [-1],
    );
    const [batch, queries, length] = [5, config.queries.count, 7];
    const size = queries + length;
    const mask = tf.reshape(generativeMask(queries, length, ends), [batch, views.length, size, size]);
    for (const [i, view] of views.entries()) {
      const shown = tf.slice(mask, [0, i, 0, 0], [batch, 1, size, size]).dataSync().map(Math.sign);
      expect([view, ...shown]).toEqual([view, ...valuesOf(`masks/${view}`).map(Math.sign)]);
    }
  });

  it('gives the matching logits', () => {
    const { itm } = generativeForward(groupOf('weights'), config, inputs());
    expect(distance(itm, 'outputs/itm/logits')).toBeLessThan(1e-5);
  });

  it('gives the same loss and gradients from the positions that count alone', () => {
    const weights = groupOf('weights');
    const [given, all] = [inputs(), targets()];
    const { rows, ...few } = countedTargets({
      labels: valuesOf('inputs/itg/labels') as Int32Array,
      weights: valuesOf('inputs/itg/weights') as Float32Array,
    });
    const counted = { ...all, itgLabels: tf.tensor1d(few.labels, 'int32'), itgWeights: tf.tensor1d(few.weights) };
    const gradients = (asked: tf.Tensor | undefined, compared: typeof all) =>
      tf.valueAndGrad((table: tf.Tensor) => {
        const parameters: Parameters = { ...weights, 'qllama.model.embed_tokens.weight': table };
        const outputs = generativeForward(parameters, config, { ...given, ...(asked && { asked }) });
        return generativeLosses(outputs, compared, parameters.logit_scale!).itg as tf.Scalar;
      })(weights['qllama.model.embed_tokens.weight']!);
    const [whole, part] = [gradients(undefined, all), gradients(tf.tensor1d(rows, 'int32'), counted)];
    expect(rows.length).toBeLessThan(valuesOf('inputs/itg/labels').length);
    expect(part.value.dataSync()[0]).toBeCloseTo(whole.value.dataSync()[0]!, 5);
    expect(tf.max(tf.abs(tf.sub(part.grad, whole.grad))).dataSync()[0]).toBeLessThan(1e-6);
  });

  it('gives the three losses and their gradients, and leaks no tensor', () => {
    const weights = groupOf('weights');
    const expected = groupOf('gradients/generative');
    const names = Object.keys(expected);
    const [given, compared] = [inputs(), targets()];
    const lossesOf = (...values: tf.Tensor[]) => {
      const parameters: Parameters = { ...weights, ...Object.fromEntries(names.map((name, i) => [name, values[i]!])) };
      return generativeLosses(generativeForward(parameters, config, given), compared, parameters.logit_scale!);
    };
    const { loss, ...parts } = tf.tidy(() => ({ ...lossesOf(...names.map((name) => weights[name]!)) }));
    for (const [name, value] of Object.entries(parts)) {
      expect([name, distance(value, `outputs/${name}`)]).toEqual([name, expect.closeTo(0, 5)]);
    }
    const before = tf.memory().numTensors;
    const { value, grads } = tf.valueAndGrads((...values: tf.Tensor[]) => lossesOf(...values).loss as tf.Scalar)(
      names.map((name) => weights[name]!),
    );
    expect(tf.memory().numTensors - before).toBe(names.length + 1);
    expect(value.dataSync()[0]).toBeCloseTo(loss.dataSync()[0]!, 5);
    const distances = names.map((name, i) => [name, distance(grads[i]!, `gradients/generative/${name}`)] as const);
    // The same for all keys, these biases change no softmax: their gradients are zero but for rounding, up to 1e-7 here.
    const vanishes = (name: string) => /\.(norm1_k\.bias|cross_attn\.k_bias)$/.test(name);
    expect(distances.filter(([name, far]) => far > (vanishes(name) ? 1e-4 : 2e-5))).toEqual([]);
  });
});
