import { createScope } from '../scope.js';

/** In which precision matrix products are computed. */
export type Precision = 'fp32' | 'bf16';

const scope = createScope<Precision>('fp32');

/**
 * Runs `work` with its matrix products in this precision, those of its gradients too if they are taken within. With `bf16`,
 * factors are rounded to bfloat16 and multiplied there, summed up in float32; weights, statistics, softmax and losses stay
 * float32, as in mixed precision training (arXiv 1710.03740, 1905.12322).
 */
export function withPrecision<Result>(precision: Precision, work: () => Result): Result {
  return scope.within(precision, work);
}

/** The precision of products now; float32 outside of `withPrecision`. */
export function precisionInUse(): Precision {
  return scope.current();
}
