import { Field, Schema, Utf8 } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import equals from '../../../operators/filters/equals.js';
import { batchOf, boolColumn, float32Column, int64Column, utf8Column } from '../../../pipeline/batch/build.js';
import { randomBatches } from '../../kit/batches.js';
import { describeConformance } from '../../kit/conformance.js';
import { declare, runOperator, valuesOf } from '../run-operator.js';

const batches = randomBatches(new Schema([new Field('word', new Utf8(), true)]), { sizes: [30, 10] });
describeConformance(equals, { config: { column: 'word', values: ['cat', ''] }, batches }, { describe, it });

describe('filter/equals', () => {
  it('compares text by its bytes', async () => {
    const word = utf8Column(['cat', 'Cat', 'car', null, '', 'caté', '犬']);
    const { out, reasons } = await runOperator(equals, { column: 'word', values: ['cat', '犬'] }, [batchOf({ word })]);
    expect(valuesOf(out, 'word')).toEqual(['cat', '犬']);
    expect(reasons).toEqual(['other', 'other', 'null', 'other', 'other']);
  });

  it('compares numbers as the column keeps them, and truth values', async () => {
    const batch = batchOf({ f: float32Column([0.1, 0.2]), i: int64Column([1n, 2n]), b: boolColumn([true, false]) });
    expect((await runOperator(equals, { column: 'f', values: [0.1] }, [batch])).reasons).toEqual(['other']);
    expect((await runOperator(equals, { column: 'i', values: [2] }, [batch])).reasons).toEqual(['other']);
    expect(valuesOf((await runOperator(equals, { column: 'b', values: [false] }, [batch])).out, 'b')).toEqual([false]);
  });

  it('refuses values of another kind, and none, when planned', () => {
    const batch = batchOf({ word: utf8Column([]), b: boolColumn([]) });
    expect(() => declare(equals, { column: 'word', values: ['a', 1] }, batch)).toThrow('values has 1, and the column');
    expect(() => declare(equals, { column: 'b', values: ['true'] }, batch)).toThrow('kind boolean');
    expect(() => declare(equals, { column: 'word', values: [] }, batch)).toThrow('values is empty');
  });
});
