import { describe, expect, it } from 'vitest';
import { batchOf, float32Column, int32Column, utf8Column } from '../../../pipeline/batch/build.js';
import { sliceBatch } from '../../../pipeline/batch/concat.js';
import { keyReader } from '../../../pipeline/batch/row-key.js';

describe('keyReader', () => {
  const batch = batchOf({
    id: utf8Column(['a', 'ключ', null, 'x'.repeat(5000)]),
    number: int32Column([7, -1, 0, null]),
    share: float32Column([1, 2, 3, 4]),
  });

  it('reads text and whole numbers, and nothing of a null', () => {
    const id = keyReader('id');
    expect([0, 1, 2].map((row) => id(batch, row))).toEqual(['a', 'ключ', undefined]);
    const number = keyReader('number');
    expect([0, 1, 2, 3].map((row) => number(batch, row))).toEqual(['7', '-1', '0', undefined]);
  });

  it('goes from batch to batch, slices too', () => {
    const id = keyReader('id');
    expect(id(sliceBatch(batch, 1, 3), 0)).toBe('ключ');
    expect(id(batch, 0)).toBe('a');
  });

  it('keeps the beginning of what is too long to be a name', () => {
    expect(keyReader('id')(batch, 3)).toBe('x'.repeat(1024));
  });

  it('has none where the column is not there, or cannot name a row', () => {
    expect(keyReader('nothing')(batch, 0)).toBeUndefined();
    expect(keyReader('share')(batch, 0)).toBeUndefined();
  });
});
