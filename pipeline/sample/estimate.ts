/**
 * What a sample says of all rows, with 95 % confidence intervals. Rows are sampled by cluster (a row group, a page), whose rows may be
 * more alike than others, so variances are those of clusters (Cochran 1977, Sampling Techniques, chapters 6 and 9), not of rows.
 */

/** A figure and the interval that it is in with 95 % confidence. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** What was found in one cluster: an amount, among so many rows. */
export interface Cluster {
  readonly rows: number;
  readonly amount: number;
}

/** 97.5 % points of Student's t by degrees of freedom, from 1; of the normal distribution beyond. */
const STUDENT = [
  12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.2, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.1, 2.09, 2.09,
  2.08, 2.07, 2.07, 2.06, 2.06, 2.06, 2.05, 2.05, 2.05, 2.04,
];
const NORMAL = 1.959964;

/**
 * The share of rows that are counted by `amount`. Wilson's interval, which holds for shares near 0 and 1 too, of as many rows as would
 * tell as much if they were independent.
 * @param fraction how much of all rows was sampled, 0 unless given: of all of them, the share is known
 */
export function estimateShare(clusters: readonly Cluster[], fraction = 0): Interval {
  const { rows, amount } = sumOf(clusters);
  if (rows === 0) return { value: Number.NaN, low: 0, high: 1 };
  const value = amount / rows;
  if (fraction >= 1) return exactly(value);
  const alone = (value * (1 - value)) / rows;
  const variance = clusterVariance(clusters, value);
  const effect = alone > 0 && variance > alone ? variance / alone : 1;
  const independent = rows / effect / (1 - fraction);
  const z = effect > 1 ? quantile(clusters.length) : NORMAL;
  const middle = (value + z ** 2 / (2 * independent)) / (1 + z ** 2 / independent);
  const half =
    (z * Math.sqrt((value * (1 - value)) / independent + z ** 2 / (4 * independent ** 2))) / (1 + z ** 2 / independent);
  return { value, low: Math.max(0, Math.min(value, middle - half)), high: Math.min(1, Math.max(value, middle + half)) };
}

/** An amount for each row, by the ratio estimator. With one cluster there is no telling how far others are from it: no interval. */
export function estimatePerRow(clusters: readonly Cluster[], fraction = 0): Interval {
  const { rows, amount } = sumOf(clusters);
  if (rows === 0) return { value: Number.NaN, low: 0, high: Number.POSITIVE_INFINITY };
  const value = amount / rows;
  if (fraction >= 1) return exactly(value);
  if (clusters.length < 2) return { value, low: 0, high: Number.POSITIVE_INFINITY };
  const half = quantile(clusters.length) * Math.sqrt(clusterVariance(clusters, value) * (1 - fraction));
  return { value, low: Math.max(0, value - half), high: value + half };
}

/** The product of two figures whose errors do not depend on each other: relative errors add up as squares. */
export function product(one: Interval, other: Interval): Interval {
  const value = one.value * other.value;
  const away = (interval: Interval, end: 'low' | 'high') =>
    interval.value === 0 ? 0 : (interval[end] - interval.value) / interval.value;
  const both = (end: 'low' | 'high') => Math.hypot(away(one, end), away(other, end));
  if (value === 0) return { value, low: 0, high: one.high * other.high };
  return { value, low: Math.max(0, value * (1 - both('low'))), high: value * (1 + both('high')) };
}

/** The sum of figures whose errors do not depend on each other. */
export function sum(intervals: readonly Interval[]): Interval {
  const value = intervals.reduce((total, one) => total + one.value, 0);
  const away = (end: 'low' | 'high') => Math.hypot(...intervals.map((one) => one[end] - one.value));
  return { value, low: Math.max(0, value - away('low')), high: value + away('high') };
}

/** A figure that is known. */
export function exactly(value: number): Interval {
  return { value, low: value, high: value };
}

/** The variance of a ratio over clusters of different size, linearised. */
function clusterVariance(clusters: readonly Cluster[], ratio: number): number {
  const count = clusters.length;
  if (count < 2) return 0;
  const { rows } = sumOf(clusters);
  const squares = clusters.reduce((sum, cluster) => sum + (cluster.amount - ratio * cluster.rows) ** 2, 0);
  return (count * squares) / (count - 1) / rows ** 2;
}

function quantile(clusters: number): number {
  return STUDENT[clusters - 2] ?? NORMAL;
}

function sumOf(clusters: readonly Cluster[]): Cluster {
  return clusters.reduce((sum, { rows, amount }) => ({ rows: sum.rows + rows, amount: sum.amount + amount }), {
    rows: 0,
    amount: 0,
  });
}
