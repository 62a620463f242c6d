import type { RecordBatch } from 'apache-arrow';
import fc from 'fast-check';
import { concat, from, lastValueFrom, Subject, take, throwError, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batchOf, int32Column, utf8Column } from '../../../pipeline/batch/build.js';
import { streamDifference } from '../../../pipeline/batch/equal.js';
import { rebatch } from '../../../pipeline/batch/rebatch.js';

let next = 0;
const batch = (rows: number): RecordBatch => {
  const numbers = Array.from({ length: rows }, () => next++);
  return batchOf({ n: int32Column(numbers), s: utf8Column(numbers.map((n) => (n % 3 === 0 ? null : `row ${n}`))) });
};

describe('rebatch', () => {
  it('keeps every row in order, in batches of the size asked for but for the last', async () => {
    const sizes = fc.tuple(fc.array(fc.nat(9), { maxLength: 12 }), fc.integer({ min: 1, max: 12 }));
    await fc.assert(
      fc.asyncProperty(sizes, async ([rows, size]) => {
        const batches = rows.map(batch);
        const out = await lastValueFrom(from(batches).pipe(rebatch(size), toArray()));
        expect(
          streamDifference(
            batches.filter(({ numRows }) => numRows > 0),
            out,
          ),
        ).toBeUndefined();
        const total = rows.reduce((sum, count) => sum + count, 0);
        const full = Array.from({ length: Math.floor(total / size) }, () => size);
        expect(out.map(({ numRows }) => numRows)).toEqual(total % size === 0 ? full : [...full, total % size]);
      }),
      { seed: 7, numRuns: 100 },
    );
  });

  it('passes an error through and drops what waits', () => {
    const seen: unknown[] = [];
    concat(
      from([batch(3)]),
      throwError(() => 'broken'),
    )
      .pipe(rebatch(2))
      .subscribe({ next: ({ numRows }) => seen.push(numRows), error: (error) => seen.push(error) });
    expect(seen).toEqual([2, 'broken']);
  });

  it('stops within a batch when it is unsubscribed', () => {
    const source = new Subject<RecordBatch>();
    const seen: number[] = [];
    source.pipe(rebatch(1), take(2)).subscribe(({ numRows }) => seen.push(numRows));
    source.next(batch(5));
    expect(seen).toEqual([1, 1]);
    expect(source.observed).toBe(false);
  });

  it('starts afresh for each subscriber', async () => {
    const batches = [batch(1), batch(1)];
    const stream = from(batches).pipe(rebatch(3), toArray());
    const [first, second] = [await lastValueFrom(stream), await lastValueFrom(stream)];
    expect(streamDifference(first, second)).toBeUndefined();
    expect(first.length).toBe(1);
  });
});
