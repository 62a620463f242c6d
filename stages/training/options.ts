import type { LayerDecay } from './layer-decay.js';
import type { AdamW } from './optimisers/adamw.js';
import type { Lion } from './optimisers/lion.js';
import type { Muon } from './optimisers/muon.js';
import type { Sgd } from './optimisers/sgd.js';
import type { Constant, Cosine, Polynomial } from './schedule.js';

/** Parameters that are trained differently from the rest of the stage. What is left out is as in the rest of the stage. */
export interface GroupOptions {
  /** Patterns of published names: `*` stands for text within one part of a dotted name, `**` for any number of parts. */
  match: string[];
  /** Peak learning rate, or `frozen`. @minimum 0 */
  learningRate: number | 'frozen';
  /** Weight decay of what has two or more dimensions; vectors have none. @minimum 0 */
  weightDecay?: number;
  /** Steps of linear warm-up. @integer @minimum 0 */
  warmup?: number;
  /** How the learning rate goes on after it. */
  schedule?: Cosine | Polynomial | Constant;
  /** The optimiser and its settings. */
  optimiser?: AdamW | Lion | Muon | Sgd;
}

/** Options that all training stages have. */
export interface TrainingOptions {
  /** Steps, one batch each. @integer @minimum 1 */
  steps: number;
  /** Steps of linear warm-up. 100 unless given, 50 in the generative stage, or all but one where there are fewer. @integer @minimum 0 */
  warmup?: number;
  /** How learning rates go on after it, a cosine to zero unless given. */
  schedule?: Cosine | Polynomial | Constant;
  /** The optimiser, AdamW with the paper's betas unless given. */
  optimiser?: AdamW | Lion | Muon | Sgd;
  /** Weight decay of matrices. @minimum 0 */
  weightDecay: number;
  /** Layer-wise decay of the learning rates. */
  layerDecay: LayerDecay;
  /** Parameters that are trained differently; the first group that matches one has it. */
  groups: GroupOptions[];
  /** How many values are trained, for a check of the patterns: another number is an error of the plan. @integer @minimum 1 */
  trainedParameters?: number;
  /** Largest global norm of the gradients. @exclusiveMinimum 0 */
  clipNorm: number;
  /** Share of each target that goes to all classes alike, in the losses of contrast and generation; BLIP-2 has 0.1. @minimum 0 @exclusiveMaximum 1 */
  labelSmoothing: number;
  /**
   * Decay of a moving average of the weights, such as 0.999: the average is what the stage hands over. It is over about
   * `1 / (1 - ema)` steps, which must be few beside `steps`. No average unless given. @exclusiveMinimum 0 @exclusiveMaximum 1
   */
  ema?: number;
  /**
   * So many steps in a row whose loss or gradients are not finite end the run, with the last batch saved; a single one is
   * skipped and counted. @integer @minimum 1
   */
  maxNonFinite: number;
  /**
   * Precision of matrix products. With `bf16`, factors are rounded to bfloat16 and summed up in float32, and activations are
   * kept in bfloat16; norms, softmax, losses and weights stay float32. Unless given, `bf16` where the processor or GPU multiplies bfloat16 itself, `fp32` elsewhere.
   */
  precision?: 'fp32' | 'bf16';
  /**
   * Rows of a batch that go through the model at once: the memory of a batch is that of a chunk then, its loss and gradient those of
   * the whole batch, and a contrastive step takes about a third longer (gradient caching, arXiv 2101.06983). Whole batches unless given.
   * @integer @minimum 1
   */
  chunk?: number;
  /**
   * Activation checkpointing: of each layer only the input is kept for the gradient, which computes the rest again. The same
   * gradients in less memory, and about a third more time.
   */
  activationCheckpointing: boolean;
  /** Steps between two checkpoints. @integer @minimum 1 */
  checkpointEvery: number;
}

/** Defaults of the options that all training stages have. */
export const trainingDefaults = {
  layerDecay: { vision: 1, text: 1 },
  groups: [],
  clipNorm: 1,
  labelSmoothing: 0,
  maxNonFinite: 10,
  activationCheckpointing: false,
  checkpointEvery: 500,
};

/** Names of the figures that a training stage ends with. */
export const trainingMetrics = ['final_loss', 'samples_per_second', 'waiting_share', 'skipped_steps'];
