import { AlignflowError } from '../../../pipeline/errors.js';
import type { OptimiserOptions } from './create.js';

/** Throws for settings that do not go together. Loads no tensors, so that a plan can ask it. */
export function checkOptimiser(options: Readonly<OptimiserOptions>): void {
  if (options.name !== 'sgd' || options.nesterov !== true || options.momentum !== 0) return;
  throw new AlignflowError({
    what: 'sgd with nesterov: true has a momentum of 0',
    expected: 'a momentum above 0, which Nesterov\u2019s form looks ahead by',
    fix: 'raise `momentum`, or take `nesterov` out',
  });
}
