import { describe, expect, it } from 'vitest';
import { createRandom, type Random } from '../../../pipeline/run/random.js';
import { type Cluster, estimatePerRow, estimateShare, exactly, product } from '../../../pipeline/sample/estimate.js';

const cluster = (rows: number, amount: number): Cluster => ({ rows, amount });
const alike = (count: number, rows: number, amount: number) =>
  Array.from({ length: count }, () => cluster(rows, amount));

describe('estimateShare', () => {
  it('is the interval of Wilson (1927) where clusters are no more alike than rows', () => {
    // (p + z2/2n +- z sqrt(p(1-p)/n + z2/4n2)) / (1 + z2/n) of 30 in 100, in Python
    const { value, low, high } = estimateShare([cluster(100, 30)]);
    expect(value).toBe(0.3);
    expect([low, high].map((end) => end.toFixed(4))).toEqual(['0.2189', '0.3958']);
  });

  it('says what no row and every row mean: the rule of three, about', () => {
    expect(estimateShare(alike(10, 100, 0)).high).toBeCloseTo(3.84 / 1003.84, 4);
    const all = estimateShare(alike(10, 100, 100));
    expect([all.value, all.high]).toEqual([1, 1]);
    expect(all.low).toBeGreaterThan(0.996);
  });

  it('is wider where rows of a cluster are alike, and narrower the more of all rows were seen', () => {
    const mixed = estimateShare(alike(10, 100, 50));
    const lumped = estimateShare(Array.from({ length: 10 }, (_, i) => cluster(100, i % 2 === 0 ? 100 : 0)));
    expect(lumped.value).toBe(mixed.value);
    expect(lumped.high - lumped.low).toBeGreaterThan(5 * (mixed.high - mixed.low));
    const most = estimateShare(alike(10, 100, 50), 0.9);
    expect(most.high - most.low).toBeLessThan(0.4 * (mixed.high - mixed.low));
    expect(estimateShare(alike(10, 100, 50), 1)).toEqual(exactly(0.5));
  });

  it('knows nothing of no rows', () => {
    expect(estimateShare([])).toEqual({ value: Number.NaN, low: 0, high: 1 });
  });
});

describe('estimatePerRow', () => {
  it('is the ratio estimator with the variance of clusters', () => {
    // By hand: the ratio is 100 / 40, and both residuals are as far from it.
    const { value, low, high } = estimatePerRow([cluster(15, 25), cluster(25, 75)]);
    expect(value).toBe(2.5);
    const residual = 25 - 2.5 * 15;
    const half = 12.71 * Math.sqrt((2 * 2 * residual ** 2) / 40 ** 2);
    expect([low, high]).toEqual([Math.max(0, 2.5 - half), 2.5 + half]);
  });

  it('has no interval of one cluster, and none is needed where all was seen', () => {
    expect(estimatePerRow([cluster(10, 20)])).toEqual({ value: 2, low: 0, high: Number.POSITIVE_INFINITY });
    expect(estimatePerRow([cluster(10, 20)], 1)).toEqual(exactly(2));
  });
});

describe('product', () => {
  it('adds relative errors as squares, and keeps what is known', () => {
    const { value, low, high } = product({ value: 10, low: 7, high: 13 }, { value: 2, low: 1.2, high: 2.8 });
    expect(value).toBe(20);
    expect([low, high]).toEqual([10, 30]);
    expect(product(exactly(3), { value: 2, low: 1, high: 3 })).toEqual({ value: 6, low: 3, high: 9 });
    expect(product(exactly(100), { value: 0, low: 0, high: 0.1 })).toEqual({ value: 0, low: 0, high: 10 });
  });
});

describe('confidence', () => {
  /** A population of clusters whose rows are alike: each has a share of its own. */
  function population(random: Random, spread: number): Cluster[] {
    return Array.from({ length: 200 }, () => {
      const rows = 50 + random.integer(100);
      const share = Math.min(1, Math.max(0, 0.3 + spread * (random.next() - 0.5)));
      let amount = 0;
      for (let row = 0; row < rows; row++) if (random.next() < share) amount++;
      return cluster(rows, amount);
    });
  }

  it.each([0, 0.3, 0.6])('covers the truth about 95 times of 100, clusters %d apart', (spread) => {
    const random = createRandom(11);
    const hits = { share: 0, ratio: 0 };
    const trials = 2000;
    for (let trial = 0; trial < trials; trial++) {
      const all = population(random, spread);
      const truth = all.reduce((sum, { amount }) => sum + amount, 0) / all.reduce((sum, { rows }) => sum + rows, 0);
      const sample = Array.from({ length: 16 }, () => all[random.integer(all.length)]!);
      for (const [name, { low, high }] of [
        ['share', estimateShare(sample)],
        ['ratio', estimatePerRow(sample)],
      ] as const)
        if (low <= truth && truth <= high) hits[name]++;
    }
    for (const count of Object.values(hits)) {
      expect(count / trials).toBeGreaterThan(0.92);
      expect(count / trials).toBeLessThan(0.99);
    }
  });
});
