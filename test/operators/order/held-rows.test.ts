import type { RecordBatch } from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHeldRows } from '../../../operators/order/held-rows.js';
import { batchOf, int32Column } from '../../../pipeline/batch/build.js';

const batch = (numbers: number[]): RecordBatch => batchOf({ n: int32Column(numbers) });

describe('createHeldRows', () => {
  it('gives the rows asked for, in order, whatever was taken before', () => {
    const sizes = fc.array(fc.nat(9), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(
        sizes,
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 5 })), { maxLength: 20 }),
        (counts, takes) => {
          const held = createHeldRows();
          let next = 0;
          for (const count of counts) {
            expect(held.hold(batch(Array.from({ length: count }, (_, i) => next + i)))).toBe(next);
            next += count;
          }
          const left = Array.from({ length: next }, (_, i) => i);
          for (const [at, count] of takes) {
            if (left.length === 0) break;
            const wanted = left.splice(at % left.length, count).reverse();
            expect(Array.from(held.take(wanted).getChild('n')!)).toEqual(wanted);
          }
        },
      ),
      { seed: 7, numRuns: 200 },
    );
  });
});
