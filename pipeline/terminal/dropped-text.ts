/** Dropped rows as text for people. */
import type { DroppedRow } from '../graph/chain.js';
import type { DropTotal, Measured } from '../run/drop-totals.js';
import { formatCount, formatFigure } from './format.js';
import { measuredText, originText } from './plain-text.js';
import { table } from './table.js';

/** How many rows were dropped, by whom and why, and what was measured of them. */
export function describeTotals(totals: readonly DropTotal[]): string {
  const rows = totals.map(({ stage, operator, reason, rows, measured }) => [
    stage,
    operator,
    reason,
    formatCount(rows),
    measured === undefined ? '' : describeMeasured(measured),
  ]);
  return table([['stage', 'operator', 'reason', 'rows', 'measured'], ...rows], [3]);
}

function describeMeasured({ measure, rows, least, most, sum }: Measured): string {
  if (least === most) return `${measure} ${formatFigure(least)}`;
  return `${measure} ${formatFigure(least)} to ${formatFigure(most)}, mean ${formatFigure(sum / rows)}`;
}

/** Single rows: by whom, why, what was measured, where each came from. */
export function describeDropped(dropped: readonly DroppedRow[]): string {
  const rows = dropped.map((row) => [
    row.stage,
    row.operator,
    row.reason,
    [measuredText(row), row.detail].filter((text) => text !== undefined).join(', '),
    originText(row),
  ]);
  return table([['stage', 'operator', 'reason', 'measured', 'from'], ...rows]);
}
