import {
  type DataType,
  Field,
  Int32,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Utf8,
  Vector,
  vectorFromArray,
} from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchOf, int32Column, int32ListColumn, utf8Column } from '../../../pipeline/batch/build.js';
import { batchBytes, dataBytes, rowBytes } from '../../../pipeline/batch/bytes.js';
import { concatBatches, concatData, sliceBatch, sliceData } from '../../../pipeline/batch/concat.js';
import { batchDifference, sameValue } from '../../../pipeline/batch/equal.js';
import { rangesOf } from '../../../pipeline/batch/ranges.js';
import { keepRows, takeRows } from '../../../pipeline/batch/select.js';
import { takeData } from '../../../pipeline/batch/take.js';
import { plain, typedValues } from './random-columns.js';

/** A type, its values, a slice of them and rows of the slice. */
interface ColumnAndRows {
  readonly type: DataType;
  readonly values: readonly unknown[];
  readonly from: number;
  readonly to: number;
  readonly rows: readonly number[];
  readonly runs: boolean;
}

const columnAndRows: fc.Arbitrary<ColumnAndRows> = typedValues().chain(({ type, value }) =>
  fc.array(fc.option(value, { freq: 4 }), { minLength: 1, maxLength: 40 }).chain((values) =>
    fc
      .tuple(fc.nat(values.length), fc.nat(values.length))
      .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
      .chain(([from, to]) =>
        fc.record({
          type: fc.constant(type),
          values: fc.constant(values),
          from: fc.constant(from),
          to: fc.constant(to),
          rows: from === to ? fc.constant<number[]>([]) : fc.array(fc.nat(to - from - 1), { maxLength: 30 }),
          runs: fc.boolean(),
        }),
      ),
  ),
);

const read = (data: Parameters<typeof sliceData>[0]) => Array.from(new Vector([data]), plain);

describe('takeData', () => {
  it('equals picking rows one by one, for any type, nulls, nesting and slice', () => {
    fc.assert(
      fc.property(columnAndRows, ({ type, values, from, to, rows, runs }: ColumnAndRows) => {
        const whole = vectorFromArray(values, type);
        const sliced = sliceData(whole.data[0]!, from, to - from);
        const wanted: readonly number[] = runs ? [...rows].sort((a, b) => a - b) : rows;
        const taken = takeData(sliced, rangesOf(Uint32Array.from(wanted), to - from));
        expect(taken.length).toBe(wanted.length);
        const all = Array.from(whole, plain);
        expect(read(taken)).toEqual(wanted.map((row) => all[from + row]));
        expect(taken.nullCount).toBe(wanted.filter((row) => all[from + row] === null).length);
        expect(wanted.every((row, i) => sameValue(taken, i, sliced, row))).toBe(true);
      }),
      { seed: 7, numRuns: 400 },
    );
  });

  it('refuses rows that the batch does not have', () => {
    const batch = batchOf({ n: int32Column([1, 2, 3]) });
    expect(() => takeRows(batch, Uint32Array.of(0, 3))).toThrow('row 3 of a batch of 3 rows');
  });
});

describe('concatData', () => {
  it('equals the values of all parts one after another, for any type and slices', () => {
    fc.assert(
      fc.property(columnAndRows, columnAndRows, ({ type, values, from, to }, { from: a, to: b }) => {
        const whole = vectorFromArray(values, type).data[0]!;
        const again = vectorFromArray([...values].reverse(), type).data[0]!;
        const [c, d] = [Math.min(a, values.length), Math.min(b, values.length)];
        const parts = [sliceData(whole, from, to - from), sliceData(again, c, d - c), sliceData(whole, 0, from)];
        const joined = concatData(parts);
        expect(read(joined)).toEqual(parts.flatMap(read));
        const rows = Array.from({ length: joined.length }, (_, i) => i);
        expect(dataBytes(takeData(joined, rangesOf(Uint32Array.from(rows), rows.length)))).toBe(dataBytes(joined));
      }),
      { seed: 7, numRuns: 400 },
    );
  });
});

describe('rowBytes', () => {
  it('is of each row by itself: the same in any slice and selection, for any type', () => {
    fc.assert(
      fc.property(columnAndRows, ({ type, values, from, to, rows }: ColumnAndRows) => {
        const batch = batchOf({ column: vectorFromArray(values, type) });
        const sizes = Array.from(rowBytes(batch));
        const slice = sliceBatch(batch, from, to);
        expect(Array.from(rowBytes(slice))).toEqual(sizes.slice(from, to));
        const taken = takeRows(slice, Uint32Array.from(rows));
        expect(Array.from(rowBytes(taken))).toEqual(rows.map((row) => sizes[from + row]));
      }),
      { seed: 7, numRuns: 200 },
    );
  });

  it('counts values, not bitmaps and offsets', () => {
    const batch = batchOf({
      n: int32Column([1, null]),
      s: utf8Column(['é', 'abc']),
      t: int32ListColumn([[1, 2, 3], []]),
    });
    expect(Array.from(rowBytes(batch))).toEqual([4 + 2 + 12, 4 + 3]);
  });
});

describe('takeRows', () => {
  it('takes every column at the same rows and keeps schema and metadata', () => {
    const fields = [new Field('n', new Int32(), false, new Map([['k', 'v']])), new Field('s', new Utf8(), true)];
    const schema = new Schema(fields, new Map([['made', 'here']]));
    const children = [int32Column([1, 2, 3, 4]).data[0]!, utf8Column(['a', null, 'c', 'd']).data[0]!];
    const batch = new RecordBatch(
      schema,
      makeData({ type: new Struct(fields), length: 4, children }),
      new Map([['seq', '5']]),
    );
    const taken = takeRows(batch, Uint32Array.of(3, 1, 1));
    expect(taken.toArray().map((row) => row.toJSON())).toEqual([
      { n: 4, s: 'd' },
      { n: 2, s: null },
      { n: 2, s: null },
    ]);
    expect(taken.schema.fields[0]!.metadata.get('k')).toBe('v');
    expect(taken.schema.fields[0]!.nullable).toBe(false);
    expect(taken.schema.metadata.get('made')).toBe('here');
    expect(taken.metadata.get('seq')).toBe('5');
  });

  it('copies nothing when all rows are taken in order', () => {
    const batch = batchOf({ n: int32Column([1, 2, 3]) });
    expect(takeRows(batch, Uint32Array.of(0, 1, 2))).toBe(batch);
    expect(takeRows(batch, Uint32Array.of(0, 2, 1))).not.toBe(batch);
  });

  it('keeps the length of a batch without columns', () => {
    const batch = new RecordBatch(new Schema([]), makeData({ type: new Struct([]), length: 4, children: [] }));
    expect(takeRows(batch, Uint32Array.of(1, 2)).numRows).toBe(2);
  });

  it('takes nothing from an empty batch', () => {
    const batch = batchOf({ s: utf8Column([]) });
    expect(takeRows(batch, new Uint32Array(0)).numRows).toBe(0);
  });
});

describe('keepRows', () => {
  it('hands the others over in order, with their reason and the batch', () => {
    const batch = batchOf({ n: int32Column([1, 2, 3, 4, 5]) });
    const dropped: string[] = [];
    const kept = keepRows(
      batch,
      {
        keep: () => undefined,
        drop: (of, row, reason: 'even') => void dropped.push(`${of === batch} ${row} ${reason}`),
      },
      (row) => (row % 2 === 1 ? 'even' : undefined),
    );
    expect(Array.from(kept.getChild('n')!)).toEqual([1, 3, 5]);
    expect(dropped).toEqual(['true 1 even', 'true 3 even']);
  });
});

describe('sliceBatch, concatBatches, batchBytes', () => {
  it('puts slices together again', () => {
    const batch = batchOf({ n: int32Column([1, null, 3, 4, 5]), s: utf8Column(['a', 'bc', null, '', 'é']) });
    const parts = [sliceBatch(batch, 0, 2), sliceBatch(batch, 2, 2), sliceBatch(batch, 2, 9)];
    expect(batchDifference(concatBatches(parts), batch)).toBeUndefined();
  });

  it('counts the bytes of the rows, not of the memory behind a slice', () => {
    const batch = batchOf({ n: int32Column([1, 2, 3, 4]), s: utf8Column(['a', 'bc', 'def', 'ghij']) });
    expect(batchBytes(batch)).toBe(4 * 4 + 5 * 4 + 10);
    expect(batchBytes(sliceBatch(batch, 1, 3))).toBe(2 * 4 + 3 * 4 + 5);
  });

  it('refuses batches with different columns, naming both', () => {
    const [a, b] = [batchOf({ n: int32Column([1]) }), batchOf({ n: utf8Column(['1']) })];
    expect(() => concatBatches([a, b])).toThrow('n: Int32; got: n: Utf8');
    expect(() => concatBatches([])).toThrow('at least one');
  });
});
