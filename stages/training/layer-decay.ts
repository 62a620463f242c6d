/** How much lower the learning rate is from layer to layer, from the top of each tower down; 1 changes nothing. */
export interface LayerDecay {
  /** In the vision tower. @exclusiveMinimum 0 @maximum 1 */
  vision: number;
  /** In the text tower, QLLaMA. @exclusiveMinimum 0 @maximum 1 */
  text: number;
}

const visionTower = /^(vision_model|clip_projector)\./;
const bottom = /^(vision_model\.embeddings\.|qllama\.model\.embed_tokens\.|query_tokens$|logit_scale$)/;

/**
 * The factor on the learning rate of each parameter: `decay ^ (depth - layer)` in layer `layer` of `depth`, from 0;
 * `decay ^ (depth + 1)` for embeddings, queries and the logit scale, which lie below all layers; 1 for what lies above:
 * projections, heads, the last norm (`trainer_monkey_patch.py` of the released code).
 *
 * @param names of all parameters: they tell how deep each tower is
 */
export function layerFactors(names: readonly string[], decay: LayerDecay): (name: string) => number {
  const depths = { vision: 0, text: 0 };
  for (const name of names) {
    const layer = layerOf(name);
    if (layer !== undefined) depths[towerOf(name)] = Math.max(depths[towerOf(name)], layer + 1);
  }
  return (name) => {
    const tower = towerOf(name);
    const layer = bottom.test(name) ? -1 : layerOf(name);
    return layer === undefined ? 1 : decay[tower] ** (depths[tower] - layer);
  };
}

function towerOf(name: string): keyof LayerDecay {
  return visionTower.test(name) ? 'vision' : 'text';
}

/** The layer of its tower that a parameter belongs to, from 0; undefined below and above them. */
export function layerOf(name: string): number | undefined {
  const found = /\.layers\.(\d+)\./.exec(name)?.[1];
  return found === undefined ? undefined : Number(found);
}
