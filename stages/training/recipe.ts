import type { Precision } from '../models/ops/precision.js';
import type { ParameterGroup } from './groups.js';
import type { LayerDecay } from './layer-decay.js';
import { checkOptimiser } from './optimisers/check-optimiser.js';
import type { OptimiserOptions } from './optimisers/create.js';
import type { TrainingOptions } from './options.js';
import { checkWarmup, type Decay } from './schedule.js';

/** How a run trains: everything that holds from its first step to its last. */
export interface Recipe {
  readonly steps: number;
  /** The first group that matches a parameter has it. */
  readonly groups: readonly ParameterGroup[];
  /** Of groups that have none of their own. */
  readonly optimiser: Readonly<OptimiserOptions>;
  /** Steps of warm-up of groups that have none of their own. */
  readonly warmup: number;
  /** After the warm-up, of groups that have none of their own; half a cosine to zero unless given. */
  readonly decay?: Readonly<Decay>;
  readonly layerDecay?: LayerDecay;
  /** Largest global norm of the gradients; larger ones are scaled down to it. */
  readonly clipNorm: number;
  /** Decay of the moving average of the weights; no average unless given. */
  readonly ema?: number;
  /** Rows of a batch that go through the model at once, by gradient caching; all unless given. */
  readonly chunk?: number;
  /** Of the matrix products, forwards and backwards; float32 unless given. The loss is computed in float32 whatever it is. */
  readonly precision?: Precision;
  /** Whether layers keep only their inputs for the gradient; not unless given. */
  readonly activationCheckpointing?: boolean;
  /** Bounds of single parameters, kept after each update: CLIP's logit scale stays below ln 100. */
  readonly bounds?: Readonly<Record<string, readonly [lowest: number, highest: number]>>;
}

/** CLIP's bounds: the logit scale stays below 100 (arXiv 2103.00020, section 2.5). */
const bounds = { logit_scale: [0, Math.log(100)] } as const;

/**
 * The recipe of a stage: the groups of its options go before the stage's own. Throws an `AlignflowError` for options that do not go
 * together.
 *
 * @param beta2 of AdamW where the options give none
 * @param longest steps of warm-up where they give none, if there are more
 */
export function recipeOf(
  options: TrainingOptions,
  own: readonly ParameterGroup[],
  { beta2, warmup: longest }: { readonly beta2: number; readonly warmup: number },
): Recipe {
  const {
    steps,
    warmup = Math.min(longest, steps - 1),
    schedule,
    optimiser,
    weightDecay,
    groups,
    layerDecay,
    clipNorm,
    ema,
    chunk,
    activationCheckpointing,
  } = options;
  for (const one of [{ warmup }, ...groups]) checkWarmup(one.warmup ?? warmup, steps);
  const complete = (given: OptimiserOptions): OptimiserOptions => {
    checkOptimiser(given);
    return given.name === 'adamw' || given.name === 'muon' ? { beta2, ...given } : given;
  };
  const given = groups.map(
    (group): ParameterGroup => ({
      match: group.match,
      learningRate: group.learningRate,
      weightDecay: group.weightDecay ?? weightDecay,
      ...(group.warmup === undefined ? {} : { warmup: group.warmup }),
      ...(group.schedule === undefined ? {} : { decay: group.schedule }),
      ...(group.optimiser === undefined ? {} : { optimiser: complete(group.optimiser) }),
    }),
  );
  return {
    steps,
    groups: [...given, ...own.map((group) => ({ ...group, takesRest: true }))],
    optimiser: complete(optimiser ?? { name: 'adamw' }),
    warmup,
    ...(schedule === undefined ? {} : { decay: schedule }),
    layerDecay,
    clipNorm,
    activationCheckpointing,
    ...(ema === undefined ? {} : { ema }),
    ...(chunk === undefined ? {} : { chunk }),
    bounds,
  };
}
