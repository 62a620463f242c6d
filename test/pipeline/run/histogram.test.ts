import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addValue, emptyDistribution } from '../../../pipeline/graph/distribution.js';
import { histogramOf } from '../../../pipeline/run/histogram.js';

function histogram(values: readonly number[], threshold?: number) {
  const distribution = emptyDistribution();
  for (const value of values) addValue(distribution, value, threshold);
  return histogramOf('words', distribution);
}

describe('histogramOf', () => {
  it('gives each whole number of a narrow range a bin', () => {
    const { bins, least, most, median, scale, thresholds } = histogram([1, 2, 2, 5], 3);
    expect(bins).toEqual([
      { from: 1, to: 2, rows: 1 },
      { from: 2, to: 3, rows: 2 },
      { from: 3, to: 4, rows: 0 },
      { from: 4, to: 5, rows: 0 },
      { from: 5, to: 6, rows: 1 },
    ]);
    expect({ least, most, median, scale, thresholds }).toEqual({
      least: 1,
      most: 5,
      median: 2,
      scale: 'linear',
      thresholds: [3],
    });
  });

  it('begins bins at round numbers', () => {
    const { bins } = histogram(Array.from({ length: 1000 }, (_, i) => 0.21 + i * 2e-4));
    expect(bins[0]!.from).toBeCloseTo(0.21, 9);
    expect(bins[1]!.from - bins[0]!.from).toBeCloseTo(0.005, 9);
    expect(bins).toHaveLength(40);
  });

  it('has bins of one ratio where most values are at the low end', () => {
    const { scale, bins } = histogram([...Array.from({ length: 1000 }, (_, i) => 100 + i), 1e8]);
    expect(scale).toBe('log');
    expect(bins.length).toBeLessThan(60);
    expect(bins[1]!.to / bins[1]!.from).toBeCloseTo(bins[0]!.to / bins[0]!.from, 9);
  });

  it('counts every finite value once, in bins that follow each other, whatever the values', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.double({ noNaN: true }), fc.integer({ min: 0, max: 9 })), { minLength: 1 }),
        (values) => {
          const { bins, rows, notFinite } = histogram(values);
          expect(rows + notFinite).toBe(values.length);
          expect(bins.reduce((sum, bin) => sum + bin.rows, 0)).toBe(rows);
          expect(bins.length).toBeLessThan(800);
          for (const [i, bin] of bins.slice(1).entries()) expect(bin.from).toBe(bins[i]!.to);
        },
      ),
      { numRuns: 300 },
    );
  });
});
