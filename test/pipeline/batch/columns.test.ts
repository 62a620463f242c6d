import {
  Dictionary,
  Field,
  Float32,
  Int,
  Int8,
  Int32,
  Int64,
  makeData,
  Table,
  tableFromIPC,
  tableToIPC,
  Utf8,
  Vector,
  vectorFromArray,
} from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import {
  batchOf,
  binaryColumn,
  boolColumn,
  fixedBinaryColumn,
  float32Column,
  float64Column,
  int32Column,
  int32ListColumn,
  int64Column,
  listColumn,
  structColumn,
  utf8Column,
} from '../../../pipeline/batch/build.js';
import { readColumn } from '../../../pipeline/batch/column.js';
import { selectColumns, withColumn, withField, withoutColumns } from '../../../pipeline/batch/columns.js';
import { concatBatches } from '../../../pipeline/batch/concat.js';
import { batchDifference, schemaDifference, streamDifference } from '../../../pipeline/batch/equal.js';
import { ORIGIN, withOrigin } from '../../../pipeline/batch/origin.js';
import { plain } from './random-columns.js';

const batch = batchOf({ n: int32Column([1, null, 3]), s: utf8Column(['a', 'b', null]) });
const names = (of: typeof batch) => of.schema.fields.map(({ name }) => name);

describe('readColumn', () => {
  it('returns the column typed', () => {
    expect(Array.from(readColumn(batch, 's', Utf8))).toEqual(['a', 'b', null]);
  });

  it('names the column, its type and the wanted one', () => {
    expect(() => readColumn(batch, 'n', Utf8)).toThrow('the column "n" has the type Int32\n  expected: Utf8');
  });

  it('names the columns that there are', () => {
    expect(() => readColumn(withOrigin(batch, { epoch: 0, unit: 0, row: 0 }), 'caption', Utf8)).toThrow(
      'there is no column "caption"\n  expected: one of: n, s',
    );
  });

  it('takes the plain integers and floats that a file has', () => {
    const file = tableFromIPC(tableToIPC(new Table([batchOf({ i: int32Column([5]), f: float32Column([0.5]) })])));
    const [read] = file.batches;
    expect(read!.schema.fields[0]!.type).toBeInstanceOf(Int);
    expect(readColumn(read!, 'i', Int32).get(0)).toBe(5);
    expect(readColumn(read!, 'f', Float32).get(0)).toBe(0.5);
    expect(() => readColumn(read!, 'i', Int64)).toThrow('expected: Int64');
  });
});

describe('withColumn, withoutColumns, selectColumns', () => {
  it('adds a column at the end and replaces one in place', () => {
    const added = withColumn(batch, new Field('x', new Utf8(), true), utf8Column(['p', 'q', 'r']));
    expect(names(added)).toEqual(['n', 's', 'x']);
    const replaced = withColumn(batch, new Field('n', new Utf8(), true), utf8Column(['p', 'q', 'r']));
    expect(names(replaced)).toEqual(['n', 's']);
    expect(Array.from(replaced.getChild('n')!)).toEqual(['p', 'q', 'r']);
    expect(names(batch)).toEqual(['n', 's']);
  });

  it('takes a vector of several chunks', () => {
    const chunks = utf8Column(['p']).concat(utf8Column(['q', 'r']));
    const added = withColumn(batch, new Field('x', new Utf8(), true), chunks);
    expect(Array.from(added.getChild('x')!)).toEqual(['p', 'q', 'r']);
  });

  it('refuses a column of another length and the hidden name', () => {
    const field = new Field('x', new Utf8(), true);
    expect(() => withColumn(batch, field, utf8Column(['p']))).toThrow('"x" has 1 values in a batch of 3 rows');
    expect(() => withField(batch.schema, new Field(ORIGIN, new Utf8()))).toThrow("alignflow's own");
  });

  it('never loses the hidden column', () => {
    const hidden = withOrigin(batch, { epoch: 0, unit: 0, row: 0 });
    expect(names(withoutColumns(hidden, ['n']))).toEqual(['s', ORIGIN]);
    expect(names(selectColumns(hidden, ['s', 'n']))).toEqual(['s', 'n', ORIGIN]);
    expect(names(withColumn(hidden, new Field('x', new Utf8(), true), utf8Column(['p', 'q', 'r'])))).toEqual([
      'n',
      's',
      ORIGIN,
      'x',
    ]);
    expect(() => withoutColumns(hidden, ['m'])).toThrow('there is no column "m"');
  });
});

describe('build', () => {
  it('builds each kind of column, nulls included', () => {
    const built = batchOf({
      bytes: binaryColumn([Uint8Array.of(1, 2), null, new Uint8Array(0)]),
      fixed: fixedBinaryColumn(2, [Uint8Array.of(1, 2), Uint8Array.of(3, 4), null]),
      long: int64Column([1n, null, -(2n ** 63n)]),
      half: float32Column([0.5, null, Number.NaN]),
      full: float64Column([0.1, null, -0]),
      truth: boolColumn([true, null, false]),
      tokens: int32ListColumn([[1, 2], null, []]),
      lists: listColumn(utf8Column(['a', 'b', 'c']), [1, 2, null]),
      record: structColumn({ h: int32Column([1, 2, 3]) }, [true, false, true]),
    });
    const rows = Object.fromEntries(names(built).map((name) => [name, Array.from(built.getChild(name)!, plain)]));
    expect(rows).toEqual({
      bytes: [[1, 2], null, []],
      fixed: [[1, 2], [3, 4], null],
      long: [1n, null, -(2n ** 63n)],
      half: [0.5, null, Number.NaN],
      full: [0.1, null, -0],
      truth: [true, null, false],
      tokens: [[1, 2], null, []],
      lists: [['a'], ['b', 'c'], null],
      record: [{ h: 1 }, null, { h: 3 }],
    });
    const again = tableFromIPC(tableToIPC(new Table([built]))).batches[0]!;
    expect(batchDifference(built, again)).toBeUndefined();
  });

  it('refuses columns of different lengths, wrong widths and wrong sums', () => {
    expect(() => batchOf({ a: int32Column([1]), b: int32Column([]) })).toThrow('"b" has 0 values');
    expect(() => fixedBinaryColumn(2, [Uint8Array.of(1)])).toThrow('value 0 has 1 bytes');
    expect(() => listColumn(int32Column([1, 2]), [1])).toThrow('1 elements together were to be made of 2');
  });
});

describe('equal', () => {
  it('says the first difference', () => {
    const other = batchOf({ n: int32Column([1, null, 4]), s: utf8Column(['a', 'b', null]) });
    expect(batchDifference(batch, other)).toBe('row 2, column "n": 3 against 4');
    expect(batchDifference(batch, batchOf({ n: int32Column([1]) }))).toBe('columns n: Int32, s: Utf8 against n: Int32');
    expect(streamDifference([batch], [batch, batch])).toBe('3 rows against 6');
    expect(schemaDifference(batch.schema, other.schema)).toBeUndefined();
  });

  it('tells 0 from -0 and null from 0, and takes NaN for NaN', () => {
    const column = (value: number | null) => batchOf({ x: float64Column([value]) });
    expect(batchDifference(column(0), column(-0))).toBeDefined();
    expect(batchDifference(column(0), column(null))).toBeDefined();
    expect(batchDifference(column(Number.NaN), column(Number.NaN))).toBeUndefined();
  });
});

describe('dictionaries', () => {
  const type = new Dictionary(new Utf8(), new Int8(), 5);
  const column = (words: string[], indices: number[]) =>
    new Vector([makeData({ type, data: Int8Array.from(indices), dictionary: utf8Column(words) })]);

  it('become one where they differ, with each entry once', () => {
    const [a, b] = [column(['red', 'green'], [0, 1, 1]), column(['blue', 'red'], [0, 1])];
    const joined = concatBatches([batchOf({ c: a }), batchOf({ c: b })]);
    expect(Array.from(joined.getChild('c')!)).toEqual(['red', 'green', 'green', 'blue', 'red']);
    expect(joined.data.children[0]!.dictionary!.length).toBe(3);
  });

  it('stay shared where they are one', () => {
    const a = batchOf({ c: vectorFromArray(['x', 'y', 'x'], new Dictionary(new Utf8(), new Int32())) });
    const joined = concatBatches([a, a]);
    expect(joined.data.children[0]!.dictionary).toBe(a.data.children[0]!.dictionary);
  });

  it('are refused where the index is too narrow for both', () => {
    const words = (prefix: string) => Array.from({ length: 100 }, (_, i) => `${prefix}${i}`);
    const [a, b] = [column(words('a'), [0]), column(words('b'), [0])];
    expect(() => concatBatches([batchOf({ c: a }), batchOf({ c: b })])).toThrow('200 entries together');
  });
});
