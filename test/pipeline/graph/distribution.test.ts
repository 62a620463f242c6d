import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addValue,
  type Distribution,
  emptyDistribution,
  mergeDistribution,
  restoreDistribution,
  saveDistribution,
  valuesOf,
} from '../../../pipeline/graph/distribution.js';

function distributionOf(values: readonly number[], threshold?: number): Distribution {
  const distribution = emptyDistribution();
  for (const value of values) addValue(distribution, value, threshold);
  return distribution;
}

/** What two distributions are compared by: the order in which values came is no part of one. */
const contents = (distribution: Distribution) => ({
  ...saveDistribution(distribution),
  counts: undefined,
  values: valuesOf(distribution),
  thresholds: [...distribution.thresholds].sort(),
});

const anyValues = fc.array(
  fc.oneof(fc.double(), fc.integer({ min: -3000, max: 3000 }), fc.double({ min: 0.2, max: 0.4 })),
  { maxLength: 4000 },
);

describe('distribution', () => {
  it('counts integers exactly, of both signs', () => {
    const values = [3, -2, 3, 0, -0, 1_000_000, -2, 7];
    expect(valuesOf(distributionOf(values))).toEqual([
      { value: -2, rows: 2 },
      { value: 0, rows: 2 },
      { value: 3, rows: 2 },
      { value: 7, rows: 1 },
      { value: 1_000_000, rows: 1 },
    ]);
  });

  it('keeps a thousand values apart and no more, each within its rounding of what came', () => {
    const values = Array.from({ length: 50_000 }, (_, i) => 0.28 + i * 1e-6);
    const distribution = distributionOf(values);
    const kept = valuesOf(distribution);
    expect(kept.length).toBeLessThanOrEqual(1024);
    expect(kept.length).toBeGreaterThan(100);
    expect(kept.reduce((sum, { rows }) => sum + rows, 0)).toBe(50_000);
    expect([distribution.least, distribution.most]).toEqual([values[0], values.at(-1)]);
    // Rows below a bound are counted to within one step of rounding.
    const below = kept.filter(({ value }) => value < 0.3).reduce((sum, { rows }) => sum + rows, 0);
    const step = 2 ** -(distribution.bits + 2);
    expect(Math.abs(below - 20_000)).toBeLessThanOrEqual(step / 1e-6);
  });

  it('does not depend on the order of the values, and adds up from any parts', () => {
    fc.assert(
      fc.property(anyValues, fc.integer({ min: 1, max: 7 }), (values, parts) => {
        const whole = contents(distributionOf(values, 3));
        expect(contents(distributionOf(values.toReversed(), 3))).toEqual(whole);
        const merged = emptyDistribution();
        for (let part = 0; part < parts; part++)
          mergeDistribution(
            merged,
            distributionOf(
              values.filter((_, i) => i % parts === part),
              3,
            ),
          );
        expect(contents(merged)).toEqual(whole);
      }),
      { numRuns: 60 },
    );
  });

  it('comes back from JSON as it was, without values too', () => {
    for (const values of [[], [Number.NaN], [1, 2, 0.1, Number.POSITIVE_INFINITY]]) {
      const distribution = distributionOf(values, 0.5);
      const saved = JSON.parse(JSON.stringify(saveDistribution(distribution)));
      expect(restoreDistribution(saved)).toEqual(distribution);
    }
  });

  it('counts what is no finite number apart', () => {
    const { rows, notFinite } = distributionOf([1, Number.NaN, Number.POSITIVE_INFINITY, 2]);
    expect([rows, notFinite]).toEqual([2, 2]);
  });

  it('remembers a few thresholds, not one for each row', () => {
    const distribution = emptyDistribution();
    for (let i = 0; i < 100; i++) addValue(distribution, 1, i);
    expect(distribution.thresholds.size).toBe(8);
  });
});
