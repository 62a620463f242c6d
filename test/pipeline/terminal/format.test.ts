import { describe, expect, it } from 'vitest';
import { formatBytes, formatCount, formatFigure, formatSeconds } from '../../../pipeline/terminal/format.js';

describe('format', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1234567, '1,234,567'],
    [2.6, '3'],
  ])('counts %d as %s', (count, text) => {
    expect(formatCount(count)).toBe(text);
  });

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [999.6, '1.00 kB'],
    [1000, '1.00 kB'],
    [12_345, '12.3 kB'],
    [99_960, '100 kB'],
    [999_600, '1.00 MB'],
    [1_440_000_000, '1.44 GB'],
    [5e15, '5000 TB'],
  ])('writes %d bytes as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it.each([
    [0, '0.0 s'],
    [9.94, '9.9 s'],
    [9.96, '10 s'],
    [42.4, '42 s'],
    [59.7, '1 min 00 s'],
    [187, '3 min 07 s'],
    [3599.6, '1 h 00 min'],
    [7500, '2 h 05 min'],
  ])('writes %d seconds as %s', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
  });

  it.each([
    [3, '3'],
    [-17, '-17'],
    [0.33333, '0.3333'],
    [1234.56, '1235'],
    [0.00012345, '1.23e-4'],
    [1e12, '1000000000000'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
  ])('writes the figure %d as %s', (value, text) => {
    expect(formatFigure(value)).toBe(text);
  });
});
