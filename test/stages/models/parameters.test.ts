import { describe, expect, it } from 'vitest';
import { initialValues } from '../../../stages/models/parameters.js';
import { parameterSpecs } from '../../../stages/models/shapes.js';
import { modelConfig } from '../../../stages/models/sizes.js';

const tiny = modelConfig('tiny');
const small = modelConfig('small');

function valuesOf(name: string, config = tiny, seed = 7): Float32Array {
  const spec = parameterSpecs(config).find((candidate) => candidate.name === name);
  return initialValues(spec!, config, seed);
}

function largest(values: Float32Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

function deviation(values: Float32Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

describe('initialValues', () => {
  it('depends on the seed and the name, and on nothing else', () => {
    const name = 'qllama.model.layers.0.self_attn.q_proj.weight';
    expect(valuesOf(name)).toEqual(valuesOf(name));
    expect(valuesOf(name)).not.toEqual(valuesOf(name, tiny, 8));
    expect(valuesOf(name)).not.toEqual(valuesOf(name.replace('q_proj', 'k_proj')));
    // The same tensor in a deeper model has the same values.
    expect(valuesOf(name)).toEqual(valuesOf(name, modelConfig('tiny', { vision: { depth: 9 } })));
  });

  it('draws InternViT as BEiT does: truncated at two deviations, output weights divided by sqrt(2 l)', () => {
    const fc1 = valuesOf('vision_model.encoder.layers.3.mlp.fc1.weight', small);
    expect(largest(fc1)).toBeLessThanOrEqual(0.04);
    // A normal cut at two deviations keeps 0.8796 of its deviation.
    expect(deviation(fc1)).toBeCloseTo(0.02 * 0.8796, 4);
    const fc2 = valuesOf('vision_model.encoder.layers.3.mlp.fc2.weight', small);
    expect(deviation(fc2)).toBeCloseTo((0.02 * 0.8796) / Math.sqrt(8), 4);
  });

  it('draws LLaMA from a normal', () => {
    const up = valuesOf('qllama.model.layers.3.mlp.up_proj.weight', small);
    expect(deviation(up)).toBeCloseTo(0.02, 4);
    expect(largest(up)).toBeGreaterThan(0.06);
  });

  it('scales with the inputs of a weight when told so', () => {
    expect(deviation(valuesOf('qllama.model.layers.1.mlp.up_proj.weight'))).toBeCloseTo(128 ** -0.5, 3);
    expect(deviation(valuesOf('qllama.model.layers.1.mlp.down_proj.weight'))).toBeCloseTo(336 ** -0.5 / 2, 3);
    expect(deviation(valuesOf('vision_model.embeddings.patch_embedding.weight'))).toBeCloseTo(192 ** -0.5 * 0.8796, 3);
  });

  it('starts norms at 1, biases at 0, layer scale at 0.1 and the logit scale at ln(1 / 0.07)', () => {
    expect(new Set(valuesOf('qllama.model.norm.weight'))).toEqual(new Set([1]));
    expect(new Set(valuesOf('clip_projector.norm1_q.bias'))).toEqual(new Set([0]));
    expect(new Set(valuesOf('vision_model.encoder.layers.0.ls1'))).toEqual(new Set([Math.fround(0.1)]));
    expect(valuesOf('logit_scale')[0]).toBeCloseTo(2.65926, 6);
    expect(deviation(valuesOf('query_tokens'))).toBeCloseTo(0.02, 2);
  });
});
