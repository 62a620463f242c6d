import type { BackendKind } from '../backend/choice.js';
import type { Precision } from '../models/ops/precision.js';

/** The precision that a run trains in, and what there is to say about it. */
export interface ChosenPrecision {
  readonly precision: Precision;
  readonly words: string;
}

/**
 * The precision that is asked for, or the one that suits what computes. Only TensorFlow has bfloat16.
 *
 * @param faster whether bfloat16 is the faster one there (`bfloat16IsFaster`)
 */
export function choosePrecision(asked: Precision | undefined, backend: BackendKind, faster: boolean): ChosenPrecision {
  if (backend !== 'tensorflow') {
    const why = asked === 'bf16' ? ': bf16 needs TensorFlow' : '';
    return { precision: 'fp32', words: `products in float32${why}` };
  }
  const precision = asked ?? (faster ? 'bf16' : 'fp32');
  return { precision, words: `products in ${precision === 'bf16' ? 'bfloat16' : 'float32'}` };
}
