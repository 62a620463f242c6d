/** A setting that holds for what runs within a call, and for nothing after it, after an error too. */
export interface Scope<Value> {
  /** Runs `work` with that value. */
  within<Result>(value: Value, work: () => Result): Result;
  /** The value now. */
  current(): Value;
}

/** @param outside the value outside of all calls */
export function createScope<Value>(outside: Value): Scope<Value> {
  let inUse = outside;
  return {
    within(value, work) {
      const before = inUse;
      inUse = value;
      try {
        return work();
      } finally {
        inUse = before;
      }
    },
    current: () => inUse,
  };
}
