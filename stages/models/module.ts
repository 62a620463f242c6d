import { createScope } from './scope.js';

/** Which part of a model an op belongs to, for a profile: `vision_model.encoder.layers.3.attn`, as its parameters are named. */
const scope = createScope('');

/** Runs `work` as a part of the module in use. */
export function inModule<Result>(part: string, work: () => Result): Result {
  const around = scope.current();
  return asModule(around === '' ? part : `${around}.${part}`, work);
}

/** Runs `work` as that module: the backward pass of what ran there. */
export function asModule<Result>(module: string, work: () => Result): Result {
  return scope.within(module, work);
}

/** The module in use; empty outside of all. */
export function moduleInUse(): string {
  return scope.current();
}
