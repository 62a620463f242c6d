import { describe, expect, it } from 'vitest';
import select from '../../../operators/columns/select.js';
import { batchOf, int32Column, utf8Column } from '../../../pipeline/batch/build.js';
import { ORIGIN } from '../../../pipeline/batch/origin.js';
import { randomBatches } from '../../kit/batches.js';
import { describeConformance } from '../../kit/conformance.js';
import { declare, runOperator, valuesOf } from '../run-operator.js';

const batch = batchOf({ a: int32Column([1, 2, 3]), b: utf8Column(['x', null, 'z']), c: int32Column([4, 5, 6]) });

describe('columns/select', () => {
  it('keeps the columns that it names, in the order in which it names them', async () => {
    const { out } = await runOperator(select, { columns: ['c', 'b'] }, [batch]);
    expect(out[0]!.schema.fields.map(({ name }) => name)).toEqual(['c', 'b']);
    expect(valuesOf(out, 'c')).toEqual([4, 5, 6]);
    expect(valuesOf(out, 'b')).toEqual(['x', null, 'z']);
    expect(declare(select, { columns: ['c', 'b'] }, batch)).toEqual(['c: Int32', 'b: Utf8']);
  });

  it('never loses where rows come from', async () => {
    const [first] = randomBatches(batch.schema, { sizes: [4] });
    const { out } = await runOperator(select, { columns: ['a'] }, [first!]);
    expect(out[0]!.schema.fields.map(({ name }) => name).sort()).toEqual([ORIGIN, 'a'].sort());
  });

  it('refuses a column that is not there', () => {
    expect(() => declare(select, { columns: ['a', 'd'] }, batch)).toThrow(/"?d"?/);
  });
});

const batches = randomBatches(batch.schema, { sizes: [9, 4] });
describeConformance(select, { batches, config: { columns: ['b', 'a'] } }, { describe, it });
