import { describe, expect, it } from 'vitest';
import { countParameters, parameterShapes, parameterSpecs } from '../../../stages/models/shapes.js';
import { modelConfig } from '../../../stages/models/sizes.js';

const published = modelConfig('internvl-14b');

describe('countParameters', () => {
  it('gives the counts of the paper', () => {
    expect(countParameters(published)).toBe(13_834_975_747);
    expect(countParameters(published, 'vision_model.')).toBe(5_902_793_600);
    // 16 x 59,776,128 in cross-attention and 393,216 in the queries: the "1B" new parameters of QLLaMA.
    const cross = parameterSpecs(published).filter(
      ({ name }) => name.includes('.layers.') && name.includes('.cross_attn.'),
    );
    expect(cross.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b), 0)).toBe(16 * 59_776_128);
    expect(countParameters(published, 'query_tokens')).toBe(393_216);
  });
});

describe('parameterShapes', () => {
  it('has the published names and layouts', () => {
    const shapes = parameterShapes(published);
    const expected: Record<string, number[]> = {
      'vision_model.embeddings.class_embedding': [1, 1, 3200],
      'vision_model.embeddings.position_embedding': [1, 257, 3200],
      'vision_model.embeddings.patch_embedding.weight': [3200, 3, 14, 14],
      'vision_model.encoder.layers.47.attn.qkv.weight': [9600, 3200],
      'vision_model.encoder.layers.0.ls1': [3200],
      'vision_model.encoder.layers.0.mlp.fc2.weight': [3200, 12800],
      'qllama.model.embed_tokens.weight': [49954, 4096],
      'qllama.lm_head.weight': [49954, 4096],
      'qllama.model.layers.31.mlp.down_proj.weight': [4096, 11008],
      'qllama.model.layers.30.cross_attn.k_proj.weight': [4096, 3200],
      'qllama.model.layers.30.cross_attn.norm2.weight': [3200],
      query_tokens: [1, 96, 4096],
      text_projection: [4096, 768],
      logit_scale: [],
      'clip_projector.cross_attn.proj.weight': [768, 3200],
      'clip_projector2.cross_attn.q_bias': [4096],
      'itm_head.weight': [2, 4096],
    };
    for (const [name, shape] of Object.entries(expected)) expect([name, shapes.get(name)]).toEqual([name, shape]);
    expect(shapes.has('qllama.model.layers.31.cross_attn.q_proj.weight')).toBe(false);
    expect(shapes.has('vision_model.encoder.layers.0.attn.qkv.bias')).toBe(false);
    expect(new Set(shapes.keys()).size).toBe(parameterSpecs(published).length);
  });
});
