import { describe, expect, it } from 'vitest';
import { editDistance, nearestName } from '../../../pipeline/manifest/nearest.js';
import { formatBytes, parseUnit, UNITS, writeUnit } from '../../../pipeline/manifest/units.js';

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
    ['ab', 'ba', 1],
    ['captoin', 'caption', 1],
    ['ca', 'abc', 3],
  ])('of %j and %j is %i', (left, right, distance) => {
    expect(editDistance(left, right)).toBe(distance);
    expect(editDistance(right, left)).toBe(distance);
  });
});

describe('nearestName', () => {
  const known = ['filter/caption-length', 'filter/score', 'sink/parquet', 'min', 'max'];

  it.each([
    ['filter/caption-lenght', 'filter/caption-length'],
    ['caption-length', 'filter/caption-length'],
    ['caption-lenght', 'filter/caption-length'],
    ['Filter/Score', 'filter/score'],
    ['filter/caption_length', 'filter/caption-length'],
    ['mim', 'min'],
    ['frobnicate', undefined],
    ['x'.repeat(200), undefined],
  ])('to %s is %s', (name, nearest) => {
    expect(nearestName(name, known)).toBe(nearest);
  });
});

describe('parseUnit', () => {
  it.each([
    ['64MB', 'bytes', 64e6],
    ['2GB', 'bytes', 2e9],
    ['1.5 GiB', 'bytes', 1.5 * 2 ** 30],
    ['512kib', 'bytes', 512 * 1024],
    ['7B', 'bytes', 7],
    ['500ms', 'duration', 500],
    ['5m', 'duration', 300_000],
    ['1.5h', 'duration', 5_400_000],
    ['90%', 'fraction', 0.9],
    ['7%', 'fraction', 0.07],
    ['5m', 'bytes', undefined],
    ['64', 'bytes', undefined],
    ['-1MB', 'bytes', undefined],
    ['1e3MB', 'bytes', undefined],
    ['0.9', 'fraction', undefined],
    ['MB', 'bytes', undefined],
    ['1 constructor', 'bytes', undefined],
  ] as const)('reads %s as %s: %s', (text, unit, value) => {
    expect(parseUnit(text, unit)).toBe(value);
    // What editors are told agrees with what is read.
    if (value !== undefined) expect(text).toMatch(new RegExp(UNITS[unit].pattern, 'i'));
    else expect(text).not.toMatch(new RegExp(UNITS[unit].pattern));
  });
});

it.each([
  [64e6, 'bytes', '64MB'],
  [65536, 'bytes', '64KiB'],
  [1.5e9, 'bytes', '1500MB'],
  [1234567, 'bytes', 1234567],
  [0, 'bytes', 0],
  [300_000, 'duration', '5m'],
  [1500, 'duration', 1500],
  [0.9, 'fraction', 0.9],
] as const)('writes %s as %s: %s', (value, unit, text) => {
  expect(writeUnit(value, unit)).toBe(text);
  if (typeof text === 'string') expect(parseUnit(text, unit)).toBe(value);
});

it('formats bytes', () => {
  expect([0, 999, 1000, 64e6, 1.5e9, 1234567, 3e12].map(formatBytes)).toEqual([
    '0 bytes',
    '999 bytes',
    '1 KB',
    '64 MB',
    '1.5 GB',
    '1.23 MB',
    '3 TB',
  ]);
});
