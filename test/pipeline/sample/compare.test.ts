import { describe, expect, it } from 'vitest';
import { compareFates } from '../../../pipeline/sample/compare.js';
import type { DroppedPlace, RowPlace } from '../../../pipeline/sample/follow-rows.js';
import { describeComparisons } from '../../../pipeline/terminal/comparison-text.js';

const place = (row: number, rowGroup = 0): RowPlace => ({ file: 'a.parquet', rowGroup, row });
const dropped = (row: number, operator: string, reason: string, value?: number): DroppedPlace => ({
  place: place(row),
  why: {
    stage: 'pairs',
    operator,
    reason,
    file: 'a.parquet',
    row,
    epoch: 0,
    key: `cat-${row}`,
    ...(value === undefined ? {} : { measure: 'words', value, threshold: 3 }),
  },
});

const first = {
  kept: [0, 1, 2, 3, 9].map((row) => place(row)),
  dropped: [
    dropped(5, 'filter/caption-length[0]', 'short', 2),
    dropped(6, 'filter/score[1]', 'low'),
    dropped(7, 'filter/score[1]', 'low'),
  ],
};
const second = {
  kept: [0, 1, 5].map((row) => place(row)),
  dropped: [
    dropped(3, 'filter/caption-length[1]', 'long', 80),
    dropped(2, 'filter/caption-length[1]', 'long', 90),
    // The same operator in another place of the stage, for the same reason: nothing has changed.
    dropped(6, 'filter/score[2]', 'low'),
    dropped(7, 'filter/caption-length[1]', 'long', 99),
    dropped(8, 'filter/score[2]', 'low'),
  ],
};

describe('compareFates', () => {
  it('groups the rows that change sides, the most first, with their share', () => {
    const { rows, firstOnly, secondOnly, kept, changes } = compareFates('pairs', first, second);
    expect({ rows, firstOnly, secondOnly, kept }).toEqual({ rows: 7, firstOnly: 1, secondOnly: 1, kept: [4, 3] });
    const long = { operator: 'filter/caption-length', reason: 'long' };
    expect(changes.map(({ from, to, rows, changed }) => [from, to, rows, changed.map((row) => row.place.row)])).toEqual(
      [
        ['kept', long, 2, [2, 3]],
        [{ operator: 'filter/caption-length', reason: 'short' }, 'kept', 1, [5]],
        [{ operator: 'filter/score', reason: 'low' }, long, 1, [7]],
      ],
    );
    expect(changes[0]!.share.value).toBeCloseTo(2 / 7, 12);
    expect(changes[0]!.share.low).toBeGreaterThan(0.05);
    expect(changes[0]!.share.high).toBeLessThan(0.7);
  });

  it('tells rows of two row groups apart', () => {
    const kept = [place(1, 0), place(1, 1)];
    expect(compareFates('pairs', { kept, dropped: [] }, { kept, dropped: [] })).toMatchObject({ rows: 2, changes: [] });
  });

  it('reads well', async () => {
    const comparisons = [compareFates('pairs', first, second), compareFates('fine', first, first)];
    await expect(describeComparisons(comparisons, 3)).toMatchFileSnapshot('golden/comparison.txt');
  });
});
