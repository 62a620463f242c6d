/** Dropped rows as text for people. */
import type { DroppedRow } from '../graph/chain.js';
import type { DropTotal, Measured } from '../run/drop-totals.js';
import { formatCount, formatFigure } from './format.js';
import { measuredText, originText, plainText } from './plain-text.js';

/** How many rows were dropped, by whom and why, and what was measured of them. */
export function describeTotals(totals: readonly DropTotal[]): string {
  const rows = totals.map(({ stage, operator, reason, rows, measured }) => [
    stage,
    operator,
    reason,
    formatCount(rows),
    measured === undefined ? '' : describeMeasured(measured),
  ]);
  return table([['stage', 'operator', 'reason', 'rows', 'measured'], ...rows], 3);
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

/** Columns as wide as their widest cell; one of numbers is set to the right. */
function table(rows: readonly (readonly string[])[], numbers?: number): string {
  const clean = rows.map((row) => row.map((cell) => plainText(cell)));
  const widths = clean[0]!.map((_, column) => Math.max(...clean.map((row) => row[column]!.length)));
  const lines = clean.map((row) =>
    row
      .map((cell, column) => (column === numbers ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}
