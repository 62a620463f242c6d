/** Which rows of a sample two manifests treat differently, and why. */
import type { DroppedRow } from '../graph/chain.js';
import { unitKey } from '../source.js';
import { type Cluster, estimateShare, type Interval } from './estimate.js';
import type { DroppedPlace, Fates, RowPlace } from './follow-rows.js';

/** What became of a row: it went into the sink, or an operator dropped it (by its name, whatever its place in the stage). */
export type Side = 'kept' | { readonly operator: string; readonly reason: string };

/** A row that changes sides. */
export interface ChangedRow {
  readonly place: RowPlace;
  /** Why it was dropped, on each side that dropped it. */
  readonly first?: DroppedRow;
  readonly second?: DroppedRow;
}

/** Rows that change from one side to the same other one. */
export interface Change {
  readonly from: Side;
  readonly to: Side;
  readonly rows: number;
  /** Their share of the rows that came to both, 0 to 1, of all rows with 95 % confidence. */
  readonly share: Interval;
  /** In the order of the source. */
  readonly changed: readonly ChangedRow[];
}

/** A stage or branch of two manifests. */
export interface Comparison {
  readonly scope: string;
  /** Rows that came to it in both, and in one alone. */
  readonly rows: number;
  readonly firstOnly: number;
  readonly secondOnly: number;
  /** Rows that each keeps, of those that came to both. */
  readonly kept: readonly [first: number, second: number];
  /** The most rows first. */
  readonly changes: readonly Change[];
}

/**
 * Compares what became of the same rows.
 * @param fraction how much of all rows they are: of all of them, shares are known
 */
export function compareFates(scope: string, first: Fates, second: Fates, fraction = 0): Comparison {
  const [one, other] = [sidesOf(first), sidesOf(second)];
  const units = new Map<string, number>();
  const changes = new Map<string, { from: Side; to: Side; changed: ChangedRow[] }>();
  const kept: [number, number] = [0, 0];
  let rows = 0;
  for (const [key, before] of one) {
    const after = other.get(key);
    if (after === undefined) continue;
    rows++;
    const unit = unitKey(before.place);
    units.set(unit, (units.get(unit) ?? 0) + 1);
    const [from, to] = [sideOf(before.why), sideOf(after.why)];
    if (from === 'kept') kept[0]++;
    if (to === 'kept') kept[1]++;
    const name = JSON.stringify([from, to]);
    if (JSON.stringify(from) === JSON.stringify(to)) continue;
    if (!changes.has(name)) changes.set(name, { from, to, changed: [] });
    changes.get(name)!.changed.push({
      place: before.place,
      ...(before.why === undefined ? {} : { first: before.why }),
      ...(after.why === undefined ? {} : { second: after.why }),
    });
  }
  return {
    scope,
    rows,
    firstOnly: one.size - rows,
    secondOnly: other.size - rows,
    kept,
    changes: [...changes.values()]
      .map(({ from, to, changed }) => ({
        from,
        to,
        rows: changed.length,
        share: estimateShare(clustersOf(units, changed), fraction),
        changed: changed.toSorted((a, b) => inOrder(a.place, b.place)),
      }))
      .sort((a, b) => b.rows - a.rows),
  };
}

/** Each row once, by its place, with why it was dropped if it was. */
function sidesOf({ kept, dropped }: Fates): Map<string, { readonly place: RowPlace; readonly why?: DroppedRow }> {
  const all: readonly (Partial<DroppedPlace> & { readonly place: RowPlace })[] = [
    ...kept.map((place) => ({ place })),
    ...dropped,
  ];
  return new Map(all.map((row) => [`${unitKey(row.place)}\0${row.place.row}`, row]));
}

function sideOf(why: DroppedRow | undefined): Side {
  if (why === undefined) return 'kept';
  return { operator: why.operator.replace(/\[.*$/, ''), reason: why.reason };
}

function clustersOf(units: ReadonlyMap<string, number>, changed: readonly ChangedRow[]): Cluster[] {
  const counts = new Map<string, number>();
  for (const { place } of changed) counts.set(unitKey(place), (counts.get(unitKey(place)) ?? 0) + 1);
  return [...units].map(([unit, rows]) => ({ rows, amount: counts.get(unit) ?? 0 }));
}

function inOrder(a: RowPlace, b: RowPlace): number {
  return a.file < b.file ? -1 : a.file > b.file ? 1 : (a.rowGroup ?? 0) - (b.rowGroup ?? 0) || a.row - b.row;
}
