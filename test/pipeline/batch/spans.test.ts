import { LargeBinary, LargeUtf8, Uint8, vectorFromArray } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import {
  batchOf,
  binaryColumn,
  boolColumn,
  fixedBinaryColumn,
  float32Column,
  int32Column,
  int32ListColumn,
  int64Column,
  utf8Column,
} from '../../../pipeline/batch/build.js';
import { sliceBatch } from '../../../pipeline/batch/concat.js';
import { FLAT, readNumbers, readSpans } from '../../../pipeline/batch/spans.js';

const batch = batchOf({
  text: utf8Column(['é', null, 'abc']),
  large: vectorFromArray(['é', null, 'abc'], new LargeUtf8()),
  bytes: binaryColumn([Uint8Array.of(1), null, Uint8Array.of(2, 3)]),
  largeBytes: vectorFromArray([Uint8Array.of(1), null, Uint8Array.of(2, 3)], new LargeBinary()),
  fixed: fixedBinaryColumn(2, [Uint8Array.of(1, 2), null, Uint8Array.of(3, 4)]),
  small: vectorFromArray([1, null, 255], new Uint8()),
  int: int32Column([258, null, -1]),
  long: int64Column([1n, null, -1n]),
  float: float32Column([1, null, 0.1]),
  truth: boolColumn([true, null, false]),
  list: int32ListColumn([[1], null, []]),
});
const bytesOf = (of: typeof batch, name: string) => {
  const { values, offsets, isNull } = readSpans(of, name);
  return Array.from({ length: of.numRows }, (_, row) =>
    isNull(row) ? null : [...values.subarray(offsets[row], offsets[row + 1])],
  );
};
const EXPECTED: Record<string, (number[] | null)[]> = {
  text: [[0xc3, 0xa9], null, [97, 98, 99]],
  large: [[0xc3, 0xa9], null, [97, 98, 99]],
  bytes: [[1], null, [2, 3]],
  largeBytes: [[1], null, [2, 3]],
  fixed: [[1, 2], null, [3, 4]],
  small: [[1], null, [255]],
  int: [[2, 1, 0, 0], null, [255, 255, 255, 255]],
  long: [[1, 0, 0, 0, 0, 0, 0, 0], null, new Array(8).fill(255)],
  float: [[0, 0, 128, 63], null, [205, 204, 204, 61]],
  truth: [[1], null, [0]],
};

describe('readSpans', () => {
  it.each(Object.keys(EXPECTED))('reads the bytes of a %s column, also of a slice', (name) => {
    expect(bytesOf(batch, name)).toEqual(EXPECTED[name]);
    expect(bytesOf(sliceBatch(batch, 1, 3), name)).toEqual(EXPECTED[name]!.slice(1));
    expect(bytesOf(sliceBatch(batch, 0, 0), name)).toEqual([]);
  });

  it('refuses a column whose values are no runs of bytes', () => {
    expect(() => readSpans(batch, 'list')).toThrow('"list" has the type List<Int32>');
    expect(FLAT.map(String)).not.toContain('List<Int32>');
  });
});

describe('readNumbers', () => {
  it('reads integers and floats of every width', () => {
    expect(Array.from(readNumbers(batch, 'small').values)).toEqual([1, 0, 255]);
    expect(Array.from(readNumbers(batch, 'long').values)).toEqual([1, 0, -1]);
    expect(readNumbers(sliceBatch(batch, 1, 3), 'int').values[1]).toBe(-1);
    expect([0, 1, 2].map(readNumbers(batch, 'int').isNull)).toEqual([false, true, false]);
  });

  it('rounds as the column does', () => {
    expect(readNumbers(batch, 'float').round(0.1)).toBe(Math.fround(0.1));
    expect(readNumbers(batch, 'long').round(0.1)).toBe(0.1);
    expect(() => readNumbers(batch, 'text')).toThrow('expected: a number');
  });
});
