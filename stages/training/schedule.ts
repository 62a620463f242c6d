import { AlignflowError } from '../../pipeline/errors.js';

/** Half a cosine from the peak to `floor`. */
export interface Cosine {
  shape: 'cosine';
  /** What is left at the end, as a fraction of the peak; 0 unless given. @minimum 0 @maximum 1 */
  floor?: number;
}

/** `(1 - progress) ^ power`, from the peak to `floor`; a straight line with a power of 1. */
export interface Polynomial {
  shape: 'polynomial';
  /** 1 unless given. @exclusiveMinimum 0 */
  power?: number;
  /** What is left at the end, as a fraction of the peak; 0 unless given. @minimum 0 @maximum 1 */
  floor?: number;
}

/** The peak to the end. */
export interface Constant {
  shape: 'constant';
}

/** How a learning rate goes on after its warm-up. */
export type Decay = Cosine | Polynomial | Constant;

/** How a learning rate goes over a run. */
export interface Schedule {
  /** Steps of the whole run. */
  readonly steps: number;
  /** Steps of linear warm-up. */
  readonly warmup: number;
  /** After the warm-up. */
  readonly decay: Readonly<Decay>;
}

/**
 * The factor on the peak learning rate at `step`, from 0: (step + 1) / warmup while it warms up, then as `decay` says, with the end at
 * step `steps`. The cosine is that of Loshchilov and Hutter (arXiv 1608.03983, equation 5), the polynomial that of
 * torch.optim.lr_scheduler.PolynomialLR where there is no floor.
 */
export function learningRateFactor({ steps, warmup, decay }: Schedule, step: number): number {
  if (step < warmup) return (step + 1) / warmup;
  if (decay.shape === 'constant') return 1;
  const progress = Math.min(1, (step - warmup) / (steps - warmup));
  const { floor = 0 } = decay;
  const left = decay.shape === 'cosine' ? (1 + Math.cos(Math.PI * progress)) / 2 : (1 - progress) ** (decay.power ?? 1);
  return floor + (1 - floor) * left;
}

/** Throws unless the schedule can be followed. */
export function checkSchedule({ steps, warmup, decay }: Schedule): void {
  if (!isCount(steps) || steps === 0) {
    throw new AlignflowError({ what: `a training run of ${steps} steps`, expected: 'a whole number of steps from 1' });
  }
  checkWarmup(warmup, steps);
  if (decay.shape === 'constant') return;
  const { floor = 0 } = decay;
  if (!(floor >= 0 && floor <= 1)) {
    throw new AlignflowError({ what: `a learning-rate floor of ${floor}`, expected: 'a fraction from 0 to 1' });
  }
  if (decay.shape === 'polynomial' && !(decay.power === undefined || decay.power > 0)) {
    throw new AlignflowError({ what: `a polynomial of power ${decay.power}`, expected: 'a power above 0' });
  }
}

/** Throws unless a run of so many steps can warm up for that long. */
export function checkWarmup(warmup: number, steps: number): void {
  if (isCount(warmup) && warmup < steps) return;
  throw new AlignflowError({
    what: `a warm-up of ${warmup} steps in a run of ${steps}`,
    expected: 'a whole number of steps, fewer than the run has',
    fix: `set \`warmup\` to ${Math.max(0, steps - 1)} at most, or train for more \`steps\``,
  });
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
