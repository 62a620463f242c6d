import { expect, it } from 'vitest';
import { parameterShapes } from '../../../stages/models/shapes.js';
import { modelConfig } from '../../../stages/models/sizes.js';
import { layerFactors } from '../../../stages/training/layer-decay.js';

/** 48 vision layers, 32 of QLLaMA: factors by `get_num_layer_for_vit_and_qllama` of the released code, with rates 0.9 and 0.8. */
it('lowers the learning rate from the top of each tower down', () => {
  const names = [...parameterShapes(modelConfig('internvl-14b')).keys()];
  const factor = layerFactors(names, { vision: 0.9, text: 0.8 });
  const expected: Readonly<Record<string, number>> = {
    'clip_projector.cross_attn.proj.weight': 1,
    'vision_model.encoder.layers.47.norm1.weight': 0.9,
    'vision_model.encoder.layers.0.mlp.fc1.weight': 0.9 ** 48,
    'vision_model.embeddings.position_embedding': 0.9 ** 49,
    'clip_projector2.cross_attn.proj.weight': 1,
    'itm_head.bias': 1,
    text_projection: 1,
    'qllama.model.norm.weight': 1,
    'qllama.lm_head.weight': 1,
    'qllama.model.layers.31.mlp.up_proj.weight': 0.8,
    'qllama.model.layers.0.cross_attn.q_proj.weight': 0.8 ** 32,
    'qllama.model.embed_tokens.weight': 0.8 ** 33,
    query_tokens: 0.8 ** 33,
    logit_scale: 0.8 ** 33,
  };
  for (const [name, value] of Object.entries(expected)) {
    expect(names, name).toContain(name);
    expect(factor(name), name).toBeCloseTo(value, 12);
  }
});
