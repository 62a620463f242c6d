import { describe, expect, it } from 'vitest';
import { createBudget } from '../../../pipeline/graph/budget.js';
import { createReserve } from '../../../pipeline/graph/reserve.js';

const MB = 1e6;
const page = (bytes: number) => ({
  bytes,
  what: 'decoding a page',
  where: { file: 'a.parquet' },
  fix: 'smaller pages',
});

describe('the reserve of a source', () => {
  it('takes the most that was asked for off the limit, until it is released', () => {
    const budget = createBudget(300 * MB);
    const reserve = createReserve(budget, 0);
    for (const bytes of [30 * MB, 50 * MB, 10 * MB]) reserve.ask(page(bytes));
    expect(budget.limit).toBe(250 * MB);
    reserve.release();
    expect(budget.limit).toBe(300 * MB);
    reserve.ask(page(10 * MB));
    expect(budget.limit).toBe(290 * MB);
  });

  it('leaves room for rows in flight, and says what does not fit', () => {
    const budget = createBudget(300 * MB);
    const reserve = createReserve(budget, 0);
    reserve.ask(page(172 * MB));
    expect(() => reserve.ask(page(174.5 * MB))).toThrow(
      [
        'a.parquet: decoding a page takes 175 MB beside the rows, and the memory for both is 300 MB',
        '  expected: a memory of 303 MB at least, 128 MB of it for rows',
        '  to do: smaller pages',
      ].join('\n'),
    );
    expect(budget.limit).toBe(128 * MB);
  });

  it('is nothing for fewer bytes than none, and refuses what is no number', () => {
    const budget = createBudget(300 * MB);
    const reserve = createReserve(budget, 0);
    reserve.ask(page(-MB));
    for (const bytes of [Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => reserve.ask(page(bytes))).toThrow('beside the rows');
    expect(budget.limit).toBe(300 * MB);
  });

  it('shares the limit with those of other sources', () => {
    const budget = createBudget(300 * MB);
    createReserve(budget, 0).ask(page(100 * MB));
    const other = createReserve(budget, 0);
    expect(() => other.ask(page(80 * MB))).toThrow(
      [
        'a.parquet: decoding a page takes 80 MB beside the rows, and the memory for both is 200 MB',
        '  expected: a memory of 308 MB at least, 128 MB of it for rows, 100 MB for what other sources take',
      ].join('\n'),
    );
    other.ask(page(70 * MB));
    expect(budget.limit).toBe(130 * MB);
  });

  it('counts what steps keep', () => {
    const budget = createBudget(300 * MB);
    const reserve = createReserve(budget, 64 * MB);
    expect(() => reserve.ask(page(110 * MB))).toThrow(
      /the memory for both is 236 MB\n {2}expected: a memory of 302 MB at least, 128 MB of it for rows, 64 MB for what steps keep\n/,
    );
    reserve.ask(page(108 * MB));
    expect(budget.limit).toBe(192 * MB);
  });
});
