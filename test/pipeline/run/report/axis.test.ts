import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { niceAxis } from '../../../../pipeline/run/report/axis.js';

const labels = (low: number, high: number, count: number) => {
  const axis = niceAxis(low, high, count);
  return axis.ticks.map(axis.label);
};

describe('niceAxis', () => {
  it.each([
    [0, 3400, 6, ['0', '1000', '2000', '3000', '4000']],
    [1.13, 5.52, 4, ['0', '2', '4', '6']],
    [0, 0.002, 4, ['0', '5e-4', '1e-3', '1.5e-3', '2e-3']],
    [0.00895, 0.00912, 4, ['8.95e-3', '9e-3', '9.05e-3', '9.1e-3', '9.15e-3']],
    [0.61, 0.64, 4, ['0.61', '0.62', '0.63', '0.64']],
    [-3, 2, 4, ['-4', '-2', '0', '2']],
    [0, 60_000, 4, ['0', '20k', '40k', '60k']],
    [5, 5, 4, ['4', '6']],
    [0, 0, 4, ['0', '0.5']],
  ])('marks %d to %d with %d ticks or so', (low, high, count, expected) => {
    expect(labels(low, high, count)).toEqual(expected);
  });

  it('covers what it must with few ticks that read differently', () => {
    const value = fc.double({ min: -1e6, max: 1e6, noNaN: true }).filter((x) => x === 0 || Math.abs(x) > 1e-9);
    fc.assert(
      fc.property(value, value, (a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        fc.pre(high - low > 1e-3 * Math.max(Math.abs(low), Math.abs(high)));
        const axis = niceAxis(low, high, 4);
        const room = 1e-6 * (high - low);
        expect(axis.low).toBeLessThanOrEqual(low + room);
        expect(axis.high).toBeGreaterThanOrEqual(high - room);
        expect(axis.ticks.length).toBeLessThanOrEqual(7);
        expect(new Set(axis.ticks.map(axis.label)).size).toBe(axis.ticks.length);
      }),
      { seed: 7, numRuns: 2000 },
    );
  });
});
