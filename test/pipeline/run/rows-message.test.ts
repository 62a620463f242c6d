import { vectorFromArray } from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchOf, int32Column } from '../../../pipeline/batch/build.js';
import { sliceBatch } from '../../../pipeline/batch/concat.js';
import { batchDifference } from '../../../pipeline/batch/equal.js';
import { originOf, withOrigin } from '../../../pipeline/batch/origin.js';
import { AlignflowError } from '../../../pipeline/errors.js';
import {
  packBatch,
  packError,
  packSchema,
  unpackBatch,
  unpackError,
  unpackSchema,
} from '../../../pipeline/run/rows-message.js';
import { typedValues } from '../batch/random-columns.js';

const columns = typedValues().chain(({ type, value }) =>
  fc.array(fc.option(value, { freq: 4 }), { minLength: 1, maxLength: 20 }).chain((values) =>
    fc.record({
      column: fc.constant(vectorFromArray(values, type)),
      from: fc.nat(values.length),
      to: fc.nat(values.length),
    }),
  ),
);

describe('packBatch', () => {
  it('keeps every value of any type and slice', () => {
    fc.assert(
      fc.property(columns, ({ column, from, to }) => {
        const batch = sliceBatch(batchOf({ column }), Math.min(from, to), Math.max(from, to));
        expect(batchDifference(unpackBatch(packBatch(batch)), batch)).toBeUndefined();
      }),
      { seed: 7, numRuns: 400 },
    );
  });

  it('keeps hidden columns and metadata, and gives away no memory of the batch', () => {
    const batch = withOrigin(batchOf({ n: int32Column([1, 2, 3]) }), { epoch: 2, unit: 5, row: 7 });
    batch.schema.fields[0]!.metadata.set('image', '32x32');
    const bytes = packBatch(batch);
    const moved = structuredClone(bytes, { transfer: [bytes.buffer] });
    const unpacked = unpackBatch(moved);
    expect(originOf(unpacked, 2)).toEqual({ epoch: 2, unit: 5, row: 9 });
    expect(unpacked.schema.fields[0]!.metadata.get('image')).toBe('32x32');
    expect(originOf(batch, 2)).toEqual({ epoch: 2, unit: 5, row: 9 });
    expect(batch.getChild('n')!.toJSON()).toEqual([1, 2, 3]);
  });

  it('keeps a schema', () => {
    const { schema } = batchOf({ n: int32Column([]) });
    expect(String(unpackSchema(packSchema(schema)))).toBe(String(schema));
  });
});

describe('packError', () => {
  it('keeps what an error says, and the stack of its cause', () => {
    const cause = Object.assign(new TypeError('no such thing'), { socket: () => {} });
    const error = new AlignflowError({ what: 'it failed', where: { stage: 's', row: 3 }, defect: true, cause });
    const { fault, message } = unpackError(structuredClone(packError(error)));
    expect(message).toBe(error.message);
    expect(fault).toMatchObject({ where: { stage: 's', row: 3 }, defect: true });
    expect((fault.cause as Error).stack).toBe(cause.stack);
  });

  it('keeps an error without a cause, and a cause that is no error', () => {
    const plain = new AlignflowError({ what: 'it failed', fix: 'try again' });
    expect(unpackError(structuredClone(packError(plain))).fault).toEqual(plain.fault);
    const thrown = new AlignflowError({ what: 'it failed', cause: 'a text' });
    expect((unpackError(structuredClone(packError(thrown))).fault.cause as Error).message).toBe('a text');
  });
});
