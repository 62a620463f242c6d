import { describe, expect, it } from 'vitest';
import { sampleRows } from '../../../pipeline/sample/choose-rows.js';
import type { Unit } from '../../../pipeline/source.js';

const units = (count: number, rows: number): Unit[] =>
  Array.from({ length: count }, (_, rowGroup) => ({ file: 'a', rowGroup, rows }));
const chosenOf = (all: readonly Unit[], rows: number, seed = 7) => {
  const sample = sampleRows(all, rows, seed);
  const numbers = all.map((unit) =>
    Array.from({ length: unit.rows ?? 3 }, (_, row) => row).filter((row) => sample.in(unit)?.has(row)),
  );
  return { sample, numbers };
};

describe('sampleRows', () => {
  it('takes as many rows of each of 16 units, spread over all of them', () => {
    const { sample, numbers } = chosenOf(units(1000, 8192), 2000);
    expect(sample.units).toHaveLength(16);
    expect(sample.units).toEqual(sample.units.toSorted((a, b) => a - b));
    expect(sample.rows).toBe(2000);
    expect(numbers.filter((rows) => rows.length > 0).map((rows) => rows.length)).toEqual(new Array(16).fill(125));
    expect(sample.units.some((number) => number < 300)).toBe(true);
    expect(sample.units.some((number) => number > 700)).toBe(true);
    expect(Math.max(...numbers.flat())).toBeGreaterThan(7000);
  });

  it('takes more units where they are small, and all rows where there are no more', () => {
    const many = chosenOf(units(1000, 10), 2000);
    expect(many.sample.units).toHaveLength(200);
    expect(many.sample.rows).toBe(2000);
    const few = chosenOf(units(3, 10), 2000);
    expect(few.numbers.map((rows) => rows.length)).toEqual([10, 10, 10]);
    expect(few.sample.rows).toBe(30);
  });

  it('depends on the seed alone, and lets each row be chosen', () => {
    const all = units(40, 100);
    expect(chosenOf(all, 200).numbers).toEqual(chosenOf(all, 200).numbers);
    expect(chosenOf(all, 200).numbers).not.toEqual(chosenOf(all, 200, 8).numbers);
    const seen = new Set<number>();
    for (let seed = 0; seed < 60; seed++)
      for (const [unit, rows] of chosenOf(units(20, 10), 100, seed).numbers.entries())
        for (const row of rows) seen.add(10 * unit + row);
    expect(seen.size).toBe(200);
  });

  it('takes whole units where they do not say how many rows they have', () => {
    const all: Unit[] = Array.from({ length: 30 }, (_, i) => ({ file: `page-${i}` }));
    const { sample, numbers } = chosenOf(all, 10);
    expect(sample.rows).toBeUndefined();
    expect(numbers.filter((rows) => rows.length === 3)).toHaveLength(16);
  });
});
