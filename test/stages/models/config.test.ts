import { describe, expect, it } from 'vitest';
import { changeConfig, hasCrossAttention, imageTokens } from '../../../stages/models/config.js';
import { modelConfig, modelSizes } from '../../../stages/models/sizes.js';

describe('modelConfig', () => {
  it('passes its own check for every named size', () => {
    for (const size of Object.keys(modelSizes)) expect(modelConfig(size)).toEqual(Reflect.get(modelSizes, size));
  });

  it('changes what it is told and nothing else', () => {
    const config = modelConfig('tiny', { text: { vocabulary: 4096 }, maxTokens: 14 });
    expect(config).toEqual({
      ...modelSizes.tiny,
      text: { ...modelSizes.tiny.text, vocabulary: 4096 },
      maxTokens: 14,
    });
  });

  it('names the sizes there are when asked for another', () => {
    expect(() => modelConfig('huge')).toThrow(/no model size "huge"\n.*one of tiny, small, base, internvl-14b/);
    expect(() => modelConfig('toString')).toThrow(/no model size/);
  });
});

describe('changeConfig', () => {
  it('reports everything wrong at once', () => {
    const broken = () =>
      changeConfig(modelSizes.tiny, {
        vision: { heads: 5, patch: 7, depth: 0, eps: 0 },
        text: { width: 132, heads: 44, vocabulary: 1.5, ropeBase: Number.NaN },
        embed: { poolHeads: 64 },
        init: { range: -1, layerScale: Number.POSITIVE_INFINITY },
      });
    for (const problem of [
      'vision.heads (5) does not divide vision.width (128)',
      'vision.patch (7) does not divide vision.image (32)',
      'vision.depth is 0, not a whole number from 1',
      'vision.eps is 0, not a number above 0',
      'text.width / text.heads is 3, but the rotary embedding needs an even number',
      'text.vocabulary is 1.5, not a whole number from 1',
      'text.ropeBase is NaN, not a number above 0',
      'embed.poolHeads (64) does not divide text.width (132)',
      'init.range is -1, neither a number above 0 nor fan-in',
      'init.layerScale is Infinity, not a number',
    ]) {
      expect(broken).toThrow(problem);
    }
  });
});

it('counts CLS among the tokens of an image', () => {
  expect(imageTokens(modelSizes['internvl-14b'].vision)).toBe(257);
  expect(imageTokens(modelSizes.tiny.vision)).toBe(17);
});

it('puts cross-attention into layers 0, 2, ..., 30 of the published model', () => {
  const { text, queries } = modelSizes['internvl-14b'];
  const layers = Array.from({ length: text.depth }, (_, layer) => layer).filter((l) => hasCrossAttention(l, queries));
  expect(layers).toEqual(Array.from({ length: 16 }, (_, i) => 2 * i));
});
