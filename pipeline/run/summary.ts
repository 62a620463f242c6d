import { formatCount, formatFigure } from '../terminal/format.js';
import type { StageReport } from './report.js';

/** A complete stage in one line: its rows, or its last loss, or its figures. */
export function describeStage({ rows, curve, metrics }: StageReport): string {
  const parts: string[] = [];
  const last = curve?.at(-1);
  if (last !== undefined) {
    parts.push(`${formatCount(last.step)} steps`);
    if (last.metrics.loss !== undefined) parts.push(`loss ${formatFigure(last.metrics.loss)}`);
  } else if (rows !== undefined) {
    parts.push(
      `${formatCount(rows.in)} rows in, ${formatCount(rows.out)} out, ${formatCount(rows.ledger)} in the ledger`,
      ...(rows.branches ?? []).map(({ name, out }) => `${formatCount(out)} in the branch ${name}`),
    );
  }
  for (const { metric, value } of (metrics ?? []).slice(0, 4)) parts.push(`${metric} ${formatFigure(value)}`);
  return parts.join(', ');
}
