import { AlignflowError } from '../../pipeline/errors.js';

/** How the learning rate goes over a run. */
export interface Schedule {
  /** Steps of the whole run. */
  readonly steps: number;
  /** Steps of linear warm-up. */
  readonly warmup: number;
  /** What is left of the learning rate at the end, as a fraction of its peak. 0 by default. */
  readonly floor?: number;
}

/**
 * The factor on the peak learning rate at `step`, from 0: (step + 1) / warmup while it warms up, then half a cosine from 1 to
 * `floor` (Loshchilov and Hutter, arXiv 1608.03983, equation 5), which it would reach at step `steps`.
 */
export function warmupCosine({ steps, warmup, floor = 0 }: Schedule, step: number): number {
  if (step < warmup) return (step + 1) / warmup;
  const progress = Math.min(1, (step - warmup) / (steps - warmup));
  return floor + ((1 - floor) * (1 + Math.cos(Math.PI * progress))) / 2;
}

/** Throws unless the schedule can be followed. */
export function checkSchedule({ steps, warmup, floor = 0 }: Schedule): void {
  const whole = (value: number) => Number.isSafeInteger(value) && value >= 0;
  if (!whole(steps) || steps === 0) {
    throw new AlignflowError({ what: `a training run of ${steps} steps`, expected: 'a whole number of steps from 1' });
  }
  if (!whole(warmup) || warmup >= steps) {
    throw new AlignflowError({
      what: `a warm-up of ${warmup} steps in a run of ${steps}`,
      expected: 'a whole number of steps, fewer than the run has',
    });
  }
  if (!(floor >= 0 && floor <= 1)) {
    throw new AlignflowError({ what: `a learning-rate floor of ${floor}`, expected: 'a fraction from 0 to 1' });
  }
}
