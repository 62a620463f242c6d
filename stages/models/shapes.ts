import { hasCrossAttention, imageTokens, type ModelConfig } from './config.js';

/** What a tensor is, which decides its value before training and how the optimiser treats it. */
export type ParameterKind =
  | 'linear' // a weight (out, in)
  | 'residual' // a weight (out, in) whose output is added to the residual stream
  | 'bias'
  | 'norm' // weight of a norm
  | 'layer-scale'
  | 'embedding' // table of tokens, positions, or the CLS token
  | 'projection' // `text_projection`, input-major (in, out)
  | 'queries'
  | 'logit-scale';

/** Name, shape and kind of one parameter. */
export interface ParameterSpec {
  /** Published name, as in the checkpoint InternVL-14B-224px. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly kind: ParameterKind;
  /** Layer that it belongs to, from 0; absent outside the layers. */
  readonly layer?: number;
}

/** Every parameter of the model under its published name, with its published layout: linear weights are (out, in). */
export function parameterSpecs(config: ModelConfig): ParameterSpec[] {
  const { vision, text, queries, embed } = config;
  return [
    ...visionSpecs(config),
    { name: 'qllama.model.embed_tokens.weight', shape: [text.vocabulary, text.width], kind: 'embedding' },
    ...Array.from({ length: text.depth }, (_, layer) => decoderSpecs(config, layer)).flat(),
    { name: 'qllama.model.norm.weight', shape: [text.width], kind: 'norm' },
    { name: 'qllama.lm_head.weight', shape: [text.vocabulary, text.width], kind: 'linear' },
    { name: 'query_tokens', shape: [1, queries.count, text.width], kind: 'queries' },
    { name: 'text_projection', shape: [text.width, embed.dim], kind: 'projection' },
    { name: 'logit_scale', shape: [], kind: 'logit-scale' },
    ...poolSpecs('clip_projector', vision.width, embed.dim),
    ...poolSpecs('clip_projector2', text.width, embed.dim),
    { name: 'itm_head.weight', shape: [2, text.width], kind: 'linear' },
    { name: 'itm_head.bias', shape: [2], kind: 'bias' },
  ];
}

/** Shape of every parameter by its published name, in a fixed order. */
export function parameterShapes(config: ModelConfig): ReadonlyMap<string, readonly number[]> {
  return new Map(parameterSpecs(config).map(({ name, shape }) => [name, shape]));
}

/** Number of values in all parameters, or in those whose name begins with `prefix`. */
export function countParameters(config: ModelConfig, prefix = ''): number {
  return parameterSpecs(config)
    .filter(({ name }) => name.startsWith(prefix))
    .reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
}

function visionSpecs({ vision }: ModelConfig): ParameterSpec[] {
  const { width, mlp, patch, depth } = vision;
  const embeddings = 'vision_model.embeddings';
  const layers = Array.from({ length: depth }, (_, layer): ParameterSpec[] => {
    const prefix = `vision_model.encoder.layers.${layer}`;
    return [
      { name: `${prefix}.ls1`, shape: [width], kind: 'layer-scale', layer },
      { name: `${prefix}.ls2`, shape: [width], kind: 'layer-scale', layer },
      { name: `${prefix}.norm1.weight`, shape: [width], kind: 'norm', layer },
      { name: `${prefix}.attn.qkv.weight`, shape: [3 * width, width], kind: 'linear', layer },
      { name: `${prefix}.attn.q_norm.weight`, shape: [width], kind: 'norm', layer },
      { name: `${prefix}.attn.k_norm.weight`, shape: [width], kind: 'norm', layer },
      { name: `${prefix}.attn.proj.weight`, shape: [width, width], kind: 'residual', layer },
      { name: `${prefix}.attn.proj.bias`, shape: [width], kind: 'bias', layer },
      { name: `${prefix}.norm2.weight`, shape: [width], kind: 'norm', layer },
      { name: `${prefix}.mlp.fc1.weight`, shape: [mlp, width], kind: 'linear', layer },
      { name: `${prefix}.mlp.fc1.bias`, shape: [mlp], kind: 'bias', layer },
      { name: `${prefix}.mlp.fc2.weight`, shape: [width, mlp], kind: 'residual', layer },
      { name: `${prefix}.mlp.fc2.bias`, shape: [width], kind: 'bias', layer },
    ];
  });
  return [
    { name: `${embeddings}.class_embedding`, shape: [1, 1, width], kind: 'embedding' },
    { name: `${embeddings}.position_embedding`, shape: [1, imageTokens(vision), width], kind: 'embedding' },
    { name: `${embeddings}.patch_embedding.weight`, shape: [width, 3, patch, patch], kind: 'linear' },
    { name: `${embeddings}.patch_embedding.bias`, shape: [width], kind: 'bias' },
    ...layers.flat(),
  ];
}

function decoderSpecs({ vision, text, queries }: ModelConfig, layer: number): ParameterSpec[] {
  const { width, mlp } = text;
  const prefix = `qllama.model.layers.${layer}`;
  const cross: ParameterSpec[] = [
    { name: `${prefix}.cross_attn.norm1.weight`, shape: [width], kind: 'norm', layer },
    { name: `${prefix}.cross_attn.norm2.weight`, shape: [vision.width], kind: 'norm', layer },
    { name: `${prefix}.cross_attn.q_proj.weight`, shape: [width, width], kind: 'linear', layer },
    { name: `${prefix}.cross_attn.k_proj.weight`, shape: [width, vision.width], kind: 'linear', layer },
    { name: `${prefix}.cross_attn.v_proj.weight`, shape: [width, vision.width], kind: 'linear', layer },
    { name: `${prefix}.cross_attn.o_proj.weight`, shape: [width, width], kind: 'residual', layer },
  ];
  return [
    { name: `${prefix}.input_layernorm.weight`, shape: [width], kind: 'norm', layer },
    { name: `${prefix}.self_attn.q_proj.weight`, shape: [width, width], kind: 'linear', layer },
    { name: `${prefix}.self_attn.k_proj.weight`, shape: [width, width], kind: 'linear', layer },
    { name: `${prefix}.self_attn.v_proj.weight`, shape: [width, width], kind: 'linear', layer },
    { name: `${prefix}.self_attn.o_proj.weight`, shape: [width, width], kind: 'residual', layer },
    ...(hasCrossAttention(layer, queries) ? cross : []),
    { name: `${prefix}.post_attention_layernorm.weight`, shape: [width], kind: 'norm', layer },
    { name: `${prefix}.mlp.gate_proj.weight`, shape: [mlp, width], kind: 'linear', layer },
    { name: `${prefix}.mlp.up_proj.weight`, shape: [mlp, width], kind: 'linear', layer },
    { name: `${prefix}.mlp.down_proj.weight`, shape: [width, mlp], kind: 'residual', layer },
  ];
}

function poolSpecs(prefix: string, width: number, dim: number): ParameterSpec[] {
  const norms = ['norm1_q', 'norm1_k', 'norm1_v'].flatMap((norm): ParameterSpec[] => [
    { name: `${prefix}.${norm}.weight`, shape: [width], kind: 'norm' },
    { name: `${prefix}.${norm}.bias`, shape: [width], kind: 'bias' },
  ]);
  const inputs = ['q', 'k', 'v'].flatMap((part): ParameterSpec[] => [
    { name: `${prefix}.cross_attn.${part}.weight`, shape: [width, width], kind: 'linear' },
    { name: `${prefix}.cross_attn.${part}_bias`, shape: [width], kind: 'bias' },
  ]);
  return [
    ...norms,
    ...inputs,
    { name: `${prefix}.cross_attn.proj.weight`, shape: [dim, width], kind: 'linear' },
    { name: `${prefix}.cross_attn.proj.bias`, shape: [dim], kind: 'bias' },
  ];
}
