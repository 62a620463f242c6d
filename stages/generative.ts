import { defer, mergeMap } from 'rxjs';
import { defineStage, type StageInputs } from '../pipeline/stage.js';
import { checkTokenizer, handOver, modelColumns, modelOf } from './hand-over.js';
import { modelFacts } from './models/model-facts.js';
import { countTrained, type ParameterGroup } from './training/groups.js';
import { type TrainingOptions, trainingDefaults, trainingMetrics } from './training/options.js';
import { type Recipe, recipeOf } from './training/recipe.js';

/**
 * Stage 2 of InternVL (arXiv 2312.14238, section 3.3): starts from the contrastive checkpoint, keeps the vision tower and
 * LLaMA's layers frozen, and trains the queries, their cross-attention and the heads that the contrastive stage does not reach,
 * by the sum of BLIP-2's losses: matching (ITM), contrast (ITC) and generation (ITG). `train` names other parameters.
 * The rows of a batch are each other's negatives: `order/batch` with `distinct` keeps rows of one image apart.
 */
export interface Generative extends TrainingOptions {
  /** Column of images of one size, the model's. */
  pixels: string;
  /** Column of token ids for matching and contrast: captions behind the prefix that evaluation uses. */
  tokens: string;
  /** Column of token ids to be generated: captions behind the prompt of captioning. */
  captions: string;
  /** Longest text, tokens, with prefix and both marks; longer ones are cut, keeping their end mark. @integer @minimum 3 */
  length: number;
  /** Peak learning rate. @exclusiveMinimum 0 */
  learningRate: number;
  /** Decoupled weight decay of matrices and queries; vectors have none. @minimum 0 */
  weightDecay: number;
}

/**
 * The queries, their cross-attention, and the heads that stage 1 does not reach (`modeling_internvl.py` of `internvl_stage2`).
 * Among these is LLaMA's own head: the paper's was pre-trained and stays frozen, here it is as it was initialised.
 */
const newParts = [
  'query_tokens',
  'qllama.model.layers.*.cross_attn.**',
  'clip_projector2.**',
  'itm_head.**',
  'qllama.lm_head.**',
  'logit_scale',
];

/** Parts that the losses do not reach: the pooled image of stage 1, in whose place the queries are pooled. */
const earlierParts = ['clip_projector.**'];

export default defineStage({
  name: 'generative',
  defaults: {
    ...trainingDefaults,
    pixels: 'pixels',
    tokens: 'tokens',
    captions: 'caption_tokens',
    length: 80,
    learningRate: 5e-5,
    weightDecay: 0.05,
  },
  takes: { rows: 'required', init: 'required', tokenizer: 'optional', train: true, metrics: trainingMetrics },
  reads: ({ pixels, tokens, captions }: Generative, { init }) =>
    modelColumns(pixels, init === undefined ? 1 : modelOf(init).vision.image, [tokens, captions]),
  plan: (config, inputs) => {
    const init = inputs.init!;
    const model = modelOf(init);
    checkTokenizer(init, inputs);
    const { facts, memory, parameters } = modelFacts(
      model,
      countTrained(model, recipe(config, inputs).groups, { unreached: earlierParts, values: config.trainedParameters }),
    );
    return { facts, memory, hands: { checkpoint: handOver('generative', model, parameters, inputs, init) } };
  },
  peakMemory: async (config, inputs, rows) => {
    const { generativeMemory } = await import('./training/generative-training.js');
    return generativeMemory({ config, recipe: recipe(config, inputs) }, modelOf(inputs.init!), rows);
  },
  run: (config, inputs, context) =>
    defer(() => import('./training/generative-training.js')).pipe(
      mergeMap(({ trainGenerative }) => trainGenerative({ config, recipe: recipe(config, inputs) }, inputs, context)),
    ),
});

/** AdamW's second beta is that of the paper's Table 20. */
function recipe(config: Generative, inputs: StageInputs): Recipe {
  return recipeOf(config, groupsOf(config, inputs), { beta2: 0.98, warmup: 50 });
}

function groupsOf({ learningRate, weightDecay }: Generative, { train }: StageInputs): ParameterGroup[] {
  return [
    { match: train ?? newParts, learningRate, weightDecay },
    { match: ['**'], learningRate: 'frozen' },
  ];
}
