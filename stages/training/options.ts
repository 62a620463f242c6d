import type { Precision } from '../models/ops/precision.js';

/** Options that all training stages have. */
export interface TrainingOptions {
  /** Steps of the whole run, one batch each. */
  readonly steps: number;
  /** Steps of linear warm-up, before a cosine to zero; all but the last step in a run that is not longer. */
  readonly warmup: number;
  /** AdamW's decay of the second moment; that of the first is 0.9, as in both stages of the paper. */
  readonly beta2: number;
  /** Largest global norm of the gradients. */
  readonly clipNorm: number;
  /** Of matrix products; bf16 where the processor multiplies bfloat16 itself, else fp32, unless given. */
  readonly precision?: Precision;
  /** Steps between two checkpoints. */
  readonly checkpointEvery: number;
}

/** Names of the figures that a training stage ends with. */
export const trainingMetrics = ['final_loss', 'samples_per_second', 'waiting_share', 'skipped_steps'];
