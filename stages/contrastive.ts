import { defer, mergeMap } from 'rxjs';
import { AlignflowError } from '../pipeline/errors.js';
import { defineStage, type Reference } from '../pipeline/stage.js';
import { checkTokenizer, handOver, modelColumns, modelOf, tokenizerOf } from './hand-over.js';
import type { ModelConfig } from './models/config.js';
import { modelFacts } from './models/model-facts.js';
import { parameterShapes } from './models/shapes.js';
import { modelConfig } from './models/sizes.js';
import { countTrained, type ParameterGroup } from './training/groups.js';
import { type TrainingOptions, trainingDefaults, trainingMetrics } from './training/options.js';
import { type Recipe, recipeOf } from './training/recipe.js';

/**
 * Stage 1 of InternVL (arXiv 2312.14238, section 3.3): aligns the vision tower and the text tower by CLIP's symmetric
 * cross-entropy. From scratch, or from the checkpoint of an earlier stage. The rows of a batch are each other's negatives:
 * `order/batch` with `distinct` keeps rows of one image apart.
 */
export interface Contrastive extends TrainingOptions {
  /** Named sizes of the model; what stands below changes single ones. The vocabulary is the tokenizer's. */
  model: 'tiny' | 'small' | 'base' | 'internvl-14b';
  /** Sizes of the vision tower that differ from the named ones: width, layers, sides of a patch and of the image in pixels. */
  vision?: { width?: number; depth?: number; heads?: number; mlp?: number; patch?: number; image?: number };
  /** Sizes of the text tower that differ from the named ones. */
  text?: { width?: number; depth?: number; heads?: number; mlp?: number };
  /** Sizes of QLLaMA's queries that differ from the named ones: how many, and cross-attention in every how many layers. */
  queries?: { count?: number; crossEvery?: number };
  /** Sizes of the shared space that differ from the named ones. */
  embed?: { dim?: number; poolHeads?: number };
  /** Column of images of one size, the model's. */
  pixels: string;
  /** Column of token ids: captions behind the prefix that evaluation uses. */
  tokens: string;
  /** Longest text, tokens, with prefix and both marks; longer ones are cut, keeping their end mark. @integer @minimum 3 */
  length: number;
  /** Peak learning rates: vision tower with its pooling, text tower with its projection, logit scale. */
  learningRate: { vision: number; text: number; scale: number };
  /** Decoupled weight decay of matrices; vectors, positions and the class token have none. @minimum 0 */
  weightDecay: number;
  /** Share of the patches that is left out at random, for most of the run. @minimum 0 @maximum 0.95 */
  masking: number;
  /** Share of the steps, at the end of the run, that sees all patches. @minimum 0 @maximum 1 */
  unmasked: number;
  /** Rate of drop path, the same in every layer of the vision tower; the paper has 0.2. @minimum 0 @maximum 0.9 */
  dropPath: number;
}

/** Parts that the contrastive loss does not reach: the generative stage trains them. */
const laterParts = [
  'query_tokens',
  'qllama.model.layers.*.cross_attn.**',
  'clip_projector2.**',
  'itm_head.**',
  'qllama.lm_head.**',
];

export default defineStage({
  name: 'contrastive',
  defaults: {
    ...trainingDefaults,
    model: 'tiny',
    pixels: 'pixels',
    tokens: 'tokens',
    length: 80,
    learningRate: { vision: 1e-3, text: 1e-4, scale: 1e-3 },
    weightDecay: 0.1,
    masking: 0.5,
    unmasked: 0.02,
    dropPath: 0,
  },
  takes: {
    rows: 'required',
    init: 'optional',
    tokenizer: 'optional',
    metrics: trainingMetrics,
  },
  reads: (config: Contrastive) => modelColumns(config.pixels, sizes(config, 1).vision.image, [config.tokens]),
  plan: (config, inputs) => {
    const model = sizes(config, tokenizerOf(inputs).vocabulary);
    if (inputs.init !== undefined) {
      checkTokenizer(inputs.init, inputs);
      checkSame(model, inputs.init);
    }
    const { facts, memory, parameters } = modelFacts(
      model,
      countTrained(model, recipe(config).groups, { unreached: laterParts, values: config.trainedParameters }),
    );
    return { facts, memory, hands: { checkpoint: handOver('contrastive', model, parameters, inputs, inputs.init) } };
  },
  peakMemory: async (config, inputs, rows) => {
    const { contrastiveMemory } = await import('./training/contrastive-training.js');
    return contrastiveMemory(
      { config, model: sizes(config, tokenizerOf(inputs).vocabulary), recipe: recipe(config) },
      rows,
    );
  },
  run: (config, inputs, context) =>
    defer(() => import('./training/contrastive-training.js')).pipe(
      mergeMap(({ trainContrastive }) => {
        const model = sizes(config, tokenizerOf(inputs).vocabulary);
        return trainContrastive({ config, model, recipe: recipe(config) }, inputs, context);
      }),
    ),
});

/** AdamW's second beta is that of the paper's Table 20. */
function recipe(config: Contrastive): Recipe {
  return recipeOf(config, contrastiveGroups(config), { beta2: 0.95, warmup: 100 });
}

/** The model: a named size, with the tokenizer's vocabulary and what the config changes. */
function sizes({ model, vision, text, queries, embed, length }: Contrastive, vocabulary: number): ModelConfig {
  const changes = { vision, text: { ...text, vocabulary }, queries, embed, maxTokens: length };
  return modelConfig(model, Object.fromEntries(Object.entries(changes).filter(([, change]) => change !== undefined)));
}

/**
 * Who is trained, and how. Learning rates as in the paper's Table 20, `clip_projector` with the vision tower and `text_projection` with the text tower
 * (`trainer_monkey_patch.py` of the released code). Vectors (biases, norms, layer scales) have no weight decay; nor have
 * positions and the class token, which are vectors too but for their leading dimensions of 1: BEiT, whose scheme the vision
 * tower follows, leaves them out by name (`no_weight_decay`, arXiv 2106.08254). The table of tokens decays, as in CLIP.
 */
export function contrastiveGroups({
  learningRate,
  weightDecay,
}: Pick<Contrastive, 'learningRate' | 'weightDecay'>): ParameterGroup[] {
  return [
    { match: laterParts, learningRate: 'frozen' },
    { match: ['vision_model.embeddings.*_embedding'], learningRate: learningRate.vision },
    { match: ['vision_model.**', 'clip_projector.**'], learningRate: learningRate.vision, weightDecay },
    { match: ['qllama.**', 'text_projection'], learningRate: learningRate.text, weightDecay },
    { match: ['logit_scale'], learningRate: learningRate.scale },
  ];
}

/** Throws unless a checkpoint has the model's parameters. */
function checkSame(model: ModelConfig, init: Reference): void {
  const [ours, theirs] = [parameterShapes(model), parameterShapes(modelOf(init))];
  const different = [...new Set([...ours.keys(), ...theirs.keys()])].find(
    (name) => String(ours.get(name)) !== String(theirs.get(name)),
  );
  if (different === undefined) return;
  const shape = (shapes: typeof ours) => (shapes.has(different) ? `[${shapes.get(different)!.join(', ')}]` : 'missing');
  throw new AlignflowError({
    what: `the checkpoint of ${init.stage} is of another size: ${different} is ${shape(theirs)} there and ${shape(ours)} here`,
    expected: 'a checkpoint of the same model',
    fix: 'give both stages the same model, vision, text, queries and embed',
  });
}
