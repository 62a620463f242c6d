import { describe, expect, it } from 'vitest';
import { modelConfig } from '../../../stages/models/sizes.js';
import { countTrained, trainedParameters } from '../../../stages/training/groups.js';

const shapes = {
  'vision_model.encoder.layers.0.attn.qkv.weight': [6, 2],
  'vision_model.encoder.layers.0.norm1.weight': [2],
  'vision_model.encoder.layers.10.ls1': [2],
  'qllama.model.layers.0.mlp.gate_proj.weight': [4, 2],
  query_tokens: [1, 3, 2],
  logit_scale: [],
};

describe('trainedParameters', () => {
  it('puts each parameter into the first group that matches it', () => {
    const groups = [
      { match: ['query_tokens', 'logit_*'], learningRate: 1e-2, weightDecay: 0.5, vectorDecay: 0.25 },
      { match: ['qllama.**'], learningRate: 'frozen' as const },
      { match: ['**'], learningRate: 1e-3, weightDecay: 0.1 },
    ];
    const layerMatrix = { rateFactor: 1, isLayerMatrix: true };
    const other = { rateFactor: 1, isLayerMatrix: false };
    expect(trainedParameters(groups, shapes)).toEqual([
      { name: 'vision_model.encoder.layers.0.attn.qkv.weight', group: 2, weightDecay: 0.1, ...layerMatrix },
      { name: 'vision_model.encoder.layers.0.norm1.weight', group: 2, weightDecay: 0, ...other },
      { name: 'vision_model.encoder.layers.10.ls1', group: 2, weightDecay: 0, ...other },
      { name: 'query_tokens', group: 0, weightDecay: 0.5, ...other },
      { name: 'logit_scale', group: 0, weightDecay: 0.25, ...other },
    ]);
  });

  it('names the nearest parameters for a pattern that matches none', () => {
    const groups = [{ match: ['**', 'query_token'], learningRate: 1 }];
    expect(() => trainedParameters(groups, shapes)).toThrow(
      /no parameter matches 'query_token'\n.*names: query_tokens/,
    );
  });

  it('names the parameters that are in no group', () => {
    const groups = [{ match: ['vision_model.**', 'qllama.**'], learningRate: 1 }];
    expect(() => trainedParameters(groups, shapes)).toThrow(
      '2 of 6 parameters are in no group: query_tokens, logit_scale',
    );
  });

  it('refuses a group that others leave nothing, unless it takes what is left', () => {
    const before = { match: ['logit_*', 'query_tokens'], learningRate: 1 };
    const shadowed = { match: ['query_*', 'logit_scale'], learningRate: 2 };
    const rest = { match: ['**'], learningRate: 3 };
    expect(() => trainedParameters([before, shadowed, rest], shapes)).toThrow(
      'the group query_*, logit_scale has no parameter: all that it matches are in groups before it',
    );
    expect(trainedParameters([before, { ...shadowed, takesRest: true }, rest], shapes)).toHaveLength(6);
    const partly = { match: ['query_tokens', '**.ls1'], learningRate: 2 };
    expect(trainedParameters([before, partly, rest], shapes).filter(({ group }) => group === 1)).toHaveLength(1);
  });

  it('refuses to train nothing', () => {
    expect(() => trainedParameters([{ match: ['**'], learningRate: 'frozen' }], shapes)).toThrow(
      'all parameters are frozen',
    );
  });

  it.each([
    [{ match: ['**'], learningRate: Number.NaN }, 'a learning rate of NaN'],
    [{ match: ['**'], learningRate: -1 }, 'a learning rate of -1'],
    [{ match: ['**'], learningRate: 1, weightDecay: Infinity }, 'a weight decay of Infinity'],
  ])('refuses %j', (group, message) => {
    expect(() => trainedParameters([group], shapes)).toThrow(message);
  });
});

describe('countTrained', () => {
  const config = modelConfig('tiny');
  const groups = [
    { match: ['logit_scale', 'itm_head.bias'], learningRate: 1 },
    { match: ['**'], learningRate: 'frozen' as const },
  ];

  it('counts the values of trained parameters', () => {
    expect(countTrained(config, groups, { unreached: ['itm_head.weight'] })).toBe(3);
    expect(countTrained(config, groups, { unreached: [], values: 3 })).toBe(3);
  });

  it('refuses another number than the manifest expects', () => {
    expect(() => countTrained(config, groups, { unreached: [], values: 4 })).toThrow(
      '3 values in 2 parameters are trained\n  expected: 4, as trainedParameters says',
    );
  });

  it('refuses to train what the loss does not reach', () => {
    expect(() => countTrained(config, groups, { unreached: ['clip_projector2.**', 'itm_head.**'] })).toThrow(
      'the loss does not depend on 1 trained parameters, the first of them itm_head.bias',
    );
  });
});
