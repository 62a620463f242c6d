/** Which part of a model an op belongs to, for a profile: `vision_model.encoder.layers.3.attn`, as its parameters are named. */
let inUse = '';

/** Runs `work` as a part of the module in use. */
export function inModule<Result>(part: string, work: () => Result): Result {
  return asModule(inUse === '' ? part : `${inUse}.${part}`, work);
}

/** Runs `work` as that module: the backward pass of what ran there. */
export function asModule<Result>(module: string, work: () => Result): Result {
  const before = inUse;
  inUse = module;
  try {
    return work();
  } finally {
    inUse = before;
  }
}

/** The module in use; empty outside of all. */
export function moduleInUse(): string {
  return inUse;
}
