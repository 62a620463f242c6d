import { beforeAll, describe, expect, it } from 'vitest';
import { startBackend } from '../../../stages/backend/start.js';
import { dropPathFactors, keptPatches } from '../../../stages/training/masking.js';

beforeAll(() => startBackend());

const rowsOf = (values: ArrayLike<number>, size: number) =>
  Array.from({ length: values.length / size }, (_, row) =>
    Array.from({ length: size }, (_, i) => values[row * size + i]!),
  );

describe('keptPatches', () => {
  it('keeps floor(patches x (1 - masked)) different ones for each image, in their order', () => {
    const kept = keptPatches(64, 49, 0.5, 7, 3);
    expect(kept.shape).toEqual([64, 24]);
    const rows = rowsOf(kept.dataSync(), 24);
    for (const row of rows) {
      expect(row).toEqual([...new Set(row)].sort((a, b) => a - b));
      expect(row[0]).toBeGreaterThanOrEqual(0);
      expect(row.at(-1)).toBeLessThan(49);
    }
    expect(new Set(rows.map(String)).size).toBe(64);
    // 64 x 24 draws from 49: each patch is kept about 31 times.
    const counts = new Map<number, number>();
    for (const patch of rows.flat()) counts.set(patch, (counts.get(patch) ?? 0) + 1);
    expect(counts.size).toBe(49);
    expect(Math.max(...counts.values())).toBeLessThan(50);
  });

  it('keeps all without masking, and one at least', () => {
    expect([...keptPatches(2, 4, 0, 7, 0).dataSync()]).toEqual([0, 1, 2, 3, 0, 1, 2, 3]);
    expect(keptPatches(3, 4, 0.95, 7, 0).shape).toEqual([3, 1]);
  });

  it('depends on seed and step alone', () => {
    const values = (seed: number, step: number) => String(keptPatches(4, 16, 0.5, seed, step).dataSync());
    expect(values(7, 3)).toBe(values(7, 3));
    expect(values(7, 3)).not.toBe(values(7, 4));
    expect(values(7, 3)).not.toBe(values(8, 3));
  });
});

describe('dropPathFactors', () => {
  it('drops with one rate in every layer and keeps the mean', () => {
    const [depth, batch, rate] = [6, 2000, 0.2];
    const factors = dropPathFactors(depth, batch, rate, 7, 1);
    expect(factors.shape).toEqual([depth, 2, batch]);
    for (const branch of rowsOf(factors.dataSync(), batch)) {
      expect(new Set(branch)).toEqual(new Set([0, Math.fround(1.25)]));
      const dropped = branch.filter((factor) => factor === 0).length / batch;
      // Four standard deviations of a share of 2,000: 0.036.
      expect(Math.abs(dropped - rate)).toBeLessThan(0.036);
    }
  });
});
