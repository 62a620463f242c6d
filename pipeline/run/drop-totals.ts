import type { DroppedRow } from '../graph/chain.js';

/** Rows that one operator dropped for one reason, and what it measured of them. */
export interface DropTotal {
  readonly stage: string;
  readonly operator: string;
  readonly reason: string;
  rows: number;
  /** Of the rows that were measured; absent where none was. */
  measured?: Measured;
  /** The first of them, as many as are to be shown. */
  readonly first: DroppedRow[];
}

/** What was measured of dropped rows. */
export interface Measured {
  readonly measure: string;
  rows: number;
  least: number;
  most: number;
  sum: number;
}

/**
 * Adds dropped rows up by stage, operator and reason, in the order of their first appearance. Of each, the first `show` rows are
 * kept.
 */
export function createDropTotals(show: number) {
  const totals = new Map<string, DropTotal>();
  return {
    add(row: DroppedRow): void {
      const { stage, operator, reason, measure, value } = row;
      const key = JSON.stringify([stage, operator, reason]);
      const total = totals.get(key) ?? { stage, operator, reason, rows: 0, first: [] };
      totals.set(key, total);
      total.rows++;
      if (total.first.length < show) total.first.push(row);
      if (measure === undefined || value === undefined) return;
      const measured = total.measured ?? { measure, rows: 0, least: value, most: value, sum: 0 };
      if (measured.measure !== measure) return;
      total.measured = measured;
      measured.rows++;
      measured.least = Math.min(measured.least, value);
      measured.most = Math.max(measured.most, value);
      measured.sum += value;
    },
    all: (): readonly DropTotal[] => [...totals.values()],
  };
}

/** Up to `show` rows, of each group about as many as of the others, in the order of the groups. `rows` is how many each has in all. */
export function someOfEach<Row>(
  groups: readonly { readonly rows: number; readonly first: readonly Row[] }[],
  show: number,
): readonly Row[] {
  const shown = groups.map(() => 0);
  let left = Math.min(
    show,
    groups.reduce((sum, { rows }) => sum + rows, 0),
  );
  for (let i = 0; left > 0; i = (i + 1) % groups.length) {
    if (shown[i]! >= groups[i]!.rows) continue;
    shown[i]!++;
    left--;
  }
  return groups.flatMap(({ first }, i) => first.slice(0, shown[i]));
}
