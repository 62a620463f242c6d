/**
 * Random numbers that depend on names and keys, never on timing or order: the same (seed, operator, row key) gives the
 * same numbers in any batch, on any worker, after any restart.
 */

/** A stream of random numbers. */
export interface Random {
  /** The next number in [0, 1). */
  next(): number;
  /** The next whole number in [0, below). */
  integer(below: number): number;
  /** The next number in [low, high). */
  between(low: number, high: number): number;
}

/** A 32-bit hash of a string, FNV-1a finished by a mixer so that near names give far numbers. */
export function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return mix(hash);
}

/** Folds more 32-bit keys into a seed. The order of the keys matters. */
export function deriveSeed(seed: number, ...keys: readonly (number | string)[]): number {
  let state = mix(seed | 0);
  for (const key of keys)
    state = mix(Math.imul(state, 0x9e3779b1) ^ (typeof key === 'string' ? hashName(key) : key | 0));
  return state >>> 0;
}

/** A generator for a seed (sfc32 of PractRand, 128 bits of state, warmed up). */
export function createRandom(seed: number, low = 0, high = 0): Random {
  let a = mix(seed | 0);
  let b = mix(low ^ 0x85ebca6b);
  let c = mix(high ^ 0xc2b2ae35);
  let counter = 1;
  const word = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 12; i++) word();
  const next = () => word() / 4294967296;
  return {
    next,
    integer: (below) => Math.floor(next() * below),
    between: (from, to) => from + (to - from) * next(),
  };
}

/** The numbers 0 to n - 1 in random order (Fisher-Yates). */
export function permutation(n: number, random: Random): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    const kept = order[i]!;
    order[i] = order[j]!;
    order[j] = kept;
  }
  return order;
}

/** The 32-bit finaliser of MurmurHash3. */
function mix(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
