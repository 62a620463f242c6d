import {
  Binary,
  type DataType,
  Field,
  FixedSizeBinary,
  Float32,
  Int32,
  List,
  Schema,
  Struct,
  Utf8,
} from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { parseTree, placesIn } from '../../../pipeline/manifest/parse.js';
import type { Problem } from '../../../pipeline/manifest/problem.js';
import type { MapNode } from '../../../pipeline/manifest/tree.js';
import { acceptsType, checkColumns, typeName } from '../../../pipeline/plan/columns.js';
import { parseCondition, readGates } from '../../../pipeline/plan/gates.js';

const at = { file: 'm.yaml', line: 9, column: 9, length: 1, text: '' };

describe('parseCondition', () => {
  it.each([
    ['>= 0.3', { least: { value: 0.3, inclusive: true } }],
    ['>0.3', { least: { value: 0.3, inclusive: false } }],
    ['<= -1e-3', { most: { value: -0.001, inclusive: true } }],
    ['  < .5 ', { most: { value: 0.5, inclusive: false } }],
    ['between 0.2 and 0.5', { least: { value: 0.2, inclusive: true }, most: { value: 0.5, inclusive: true } }],
  ])('reads %s', (text, bounds) => {
    expect(parseCondition(text)).toEqual(bounds);
  });

  it.each(['', '0.3', '== 0.3', '>= ', '>= x', '>= 0.3 or so', 'between 0.5 and 0.2', 'between 1', '=> 1', '>= 1..2'])(
    'refuses %j',
    (text) => {
      expect(parseCondition(text)).toBeUndefined();
    },
  );
});

describe('readGates', () => {
  const problemsOf = (metric: string, patterns: readonly string[]) => {
    const problems: Problem[] = [];
    const gate = { metric: { value: metric, at }, condition: { value: '> 0', at } };
    readGates([gate], 'kind', patterns, (problem) => problems.push(problem));
    return problems;
  };

  it.each([
    ['loss', ['loss'], true],
    ['recall_1', ['recall_*'], true],
    ['recall_', ['recall_*'], true],
    ['recall', ['recall_*'], false],
    ['zero_shot_ja_top1', ['zero_shot_*_top*'], true],
    ['zero_shot_ja', ['zero_shot_*_top*'], false],
    ['aa', ['a*a'], true],
    ['a', ['a*a'], false],
    ['lossy', ['loss'], false],
    ['loss', [], false],
  ])('%s fits %j: %s', (metric, patterns, fits) => {
    expect(problemsOf(metric, patterns).length === 0).toBe(fits);
  });

  it('names the nearest metric', () => {
    expect(problemsOf('los', ['loss', 'rate'])).toMatchObject([
      { code: 'gate', message: 'a kind stage measures no los', expected: 'one of loss, rate', nearest: 'loss' },
    ]);
  });
});

describe('acceptsType', () => {
  const list = (type: DataType, name = 'item') => new List(new Field(name, type));
  const image = (width: DataType) => new Struct([new Field('height', new Int32()), new Field('width', width)]);

  it.each([
    [new Utf8(), new Utf8(), true],
    [new Utf8(), new Binary(), false],
    [new Int32(), new Float32(), false],
    [list(new Int32()), list(new Int32(), 'element'), true],
    [list(new Int32()), list(new Utf8()), false],
    [image(new Int32()), image(new Int32()), true],
    [image(new Int32()), image(new Utf8()), false],
    [new FixedSizeBinary(12), new FixedSizeBinary(12), true],
    [new FixedSizeBinary(12), new FixedSizeBinary(48), false],
    [new FixedSizeBinary(0), new FixedSizeBinary(48), true],
    [new FixedSizeBinary(0), new Binary(), false],
  ])('%s for %s: %s', (wanted, given, accepted) => {
    expect(acceptsType(wanted, given)).toBe(accepted);
  });

  it('names types', () => {
    expect([new Utf8(), list(new Int32()), new FixedSizeBinary(12), new FixedSizeBinary(0)].map(typeName)).toEqual([
      'Utf8',
      'List<Int32>',
      'FixedSizeBinary[12]',
      'FixedSizeBinary',
    ]);
  });
});

describe('checkColumns', () => {
  const schema = new Schema([new Field('caption', new Utf8()), new Field('image', new Binary())]);

  it('reports each column at the option that names it, or at the step', () => {
    const text = 'into: image\ncolumns: [captoin]\n';
    const options = parseTree(text, placesIn('m.yaml', text), () => {}) as MapNode;
    const problems: Problem[] = [];
    const reads = { captoin: new Utf8(), image: [new Utf8(), new Int32()], score: new Float32() };
    const right = checkColumns(reads, schema, { name: 'op', at, options }, (problem) => problems.push(problem));
    expect(right).toBe(false);
    expect(
      problems.map(({ at: place, message, expected, nearest }) => [
        place.line,
        place.column,
        message,
        expected,
        nearest,
      ]),
    ).toEqual([
      [2, 11, 'op reads the column captoin, which is not there', 'Utf8; the columns are caption, image', 'caption'],
      [1, 7, 'op reads the column image, which is Binary', 'Utf8 or Int32', undefined],
      [9, 9, 'op reads the column score, which is not there', 'Float32; the columns are caption, image', undefined],
    ]);
  });

  it('is content with any of several types', () => {
    const reads = { caption: [new Binary(), new Utf8()] };
    expect(checkColumns(reads, schema, { name: 'op', at, options: undefined }, () => {})).toBe(true);
  });
});
