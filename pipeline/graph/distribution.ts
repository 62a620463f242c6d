/**
 * How the values of a measure are distributed, in bounded memory: how often each value came, its low bits left out as far as is needed
 * to have few different ones. It depends on the values alone, not on their order, and two of them add up to that of all their
 * values. Integers stay exact up to a million, and a narrow range stays fine.
 */
export interface Distribution {
  /** Finite values. */
  rows: number;
  /** Values that are no finite number, which are nowhere else. */
  notFinite: number;
  least: number;
  most: number;
  /** Bits of the mantissa that are kept. */
  bits: number;
  /** Rows, by the upper 32 bits of the value as a double, of which the last `20 - bits` are zero. */
  readonly counts: Map<number, number>;
  /** What the values were held against, a few of them. */
  readonly thresholds: Set<number>;
}

/** A distribution as a plain value, for JSON. */
export interface SavedDistribution extends Omit<Distribution, 'least' | 'most' | 'counts' | 'thresholds'> {
  /** Least and most; absent where there are no values. */
  readonly range?: readonly [least: number, most: number];
  readonly counts: readonly (readonly [key: number, rows: number])[];
  readonly thresholds: readonly number[];
}

/** Mantissa bits in the upper half of a double. */
const BITS = 20;
/** Different values that are told apart at most. */
const DIFFERENT = 1024;
/** Numbers closer to zero count as zero: the upper half of a double has none of their bits. */
const LEAST = 2 ** -1022;
/** Thresholds that are remembered: a filter has one or two, an operator that has one for each row would have no end. */
const THRESHOLDS = 8;

const double = new Float64Array(1);
const words = new Int32Array(double.buffer);

/** A distribution of no values. */
export function emptyDistribution(): Distribution {
  return {
    rows: 0,
    notFinite: 0,
    least: Number.POSITIVE_INFINITY,
    most: Number.NEGATIVE_INFINITY,
    bits: BITS,
    counts: new Map(),
    thresholds: new Set(),
  };
}

/** Counts a value, and what it was held against. */
export function addValue(distribution: Distribution, value: number, threshold?: number): void {
  if (threshold !== undefined && Number.isFinite(threshold)) addThreshold(distribution, threshold);
  if (!Number.isFinite(value)) {
    distribution.notFinite++;
    return;
  }
  // Plus zero, which makes a positive zero of a negative one; and no number is so close to zero that its upper half is none.
  const number = Math.abs(value) < LEAST ? 0 : value + 0;
  distribution.rows++;
  if (number < distribution.least) distribution.least = number;
  if (number > distribution.most) distribution.most = number;
  double[0] = number;
  addCount(distribution, words[1]!, 1);
}

/** Adds the values of another distribution. */
export function mergeDistribution(into: Distribution, other: Distribution): void {
  into.rows += other.rows;
  into.notFinite += other.notFinite;
  into.least = Math.min(into.least, other.least);
  into.most = Math.max(into.most, other.most);
  while (into.bits > other.bits) dropBit(into);
  for (const [key, rows] of other.counts) addCount(into, key, rows);
  for (const threshold of other.thresholds) addThreshold(into, threshold);
}

/** Adds distributions to those of the same measures. */
export function mergeMeasured(into: Map<string, Distribution>, other: ReadonlyMap<string, Distribution>): void {
  for (const [measure, distribution] of other) {
    const known = into.get(measure);
    if (known === undefined) into.set(measure, distribution);
    else mergeDistribution(known, distribution);
  }
}

/** A distribution as a plain value. */
export function saveDistribution({ least, most, counts, thresholds, ...plain }: Distribution): SavedDistribution {
  const range = plain.rows === 0 ? {} : { range: [least, most] as const };
  return { ...plain, ...range, counts: [...counts], thresholds: [...thresholds] };
}

/** The distribution that `saveDistribution` made a plain value of. */
export function restoreDistribution({ range, counts, thresholds, ...plain }: SavedDistribution): Distribution {
  const [least, most] = range ?? [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  return { ...plain, least, most, counts: new Map(counts), thresholds: new Set(thresholds) };
}

/** The values in their order, each rounded towards zero to the bits that are kept, with the rows that have it. */
export function valuesOf({ counts }: Distribution): { readonly value: number; readonly rows: number }[] {
  return [...counts].map(([key, rows]) => ({ value: numberOf(key), rows })).sort((a, b) => a.value - b.value);
}

function numberOf(key: number): number {
  words[0] = 0;
  words[1] = key;
  return double[0]!;
}

function addCount(distribution: Distribution, word: number, rows: number): void {
  const { counts } = distribution;
  const key = word & (-1 << (BITS - distribution.bits));
  counts.set(key, (counts.get(key) ?? 0) + rows);
  while (counts.size > DIFFERENT && distribution.bits > 0) dropBit(distribution);
}

/** Leaves out one more bit. */
function dropBit(distribution: Distribution): void {
  distribution.bits--;
  const counts = [...distribution.counts];
  distribution.counts.clear();
  const mask = -1 << (BITS - distribution.bits);
  for (const [key, rows] of counts)
    distribution.counts.set(key & mask, (distribution.counts.get(key & mask) ?? 0) + rows);
}

function addThreshold({ thresholds }: Distribution, threshold: number): void {
  if (thresholds.size < THRESHOLDS) thresholds.add(threshold);
}
