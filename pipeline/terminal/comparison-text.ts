/** Which rows two manifests treat differently, as text for people. */

import { someOfEach } from '../run/drop-totals.js';
import type { Change, ChangedRow, Comparison, Side } from '../sample/compare.js';
import { formatCount } from './format.js';
import { measuredText, originText, plainText } from './plain-text.js';
import { table } from './table.js';

/** Each stage and branch with the rows that change sides, and up to `show` single rows of each. */
export function describeComparisons(comparisons: readonly Comparison[], show: number): string {
  return comparisons.map((comparison) => describeComparison(comparison, show)).join('\n');
}

function describeComparison({ scope, rows, firstOnly, secondOnly, kept, changes }: Comparison, show: number): string {
  const alone = [
    firstOnly === 0 ? '' : `, ${formatCount(firstOnly)} in the first alone`,
    secondOnly === 0 ? '' : `, ${formatCount(secondOnly)} in the second alone`,
  ].join('');
  const head = `${plainText(scope)}: ${formatCount(rows)} rows came to both${alone}; the first keeps ${formatCount(kept[0])}, the second ${formatCount(kept[1])}`;
  if (changes.length === 0) return `${head}\n  no row changes sides\n`;
  const lines = changes.map(({ from, to, rows, share }) => [
    `  ${formatCount(rows)}`,
    shareText(share),
    `${sideText(from)} -> ${sideText(to)}`,
  ]);
  return `${head}\n${table([['  rows', 'of all rows', 'change'], ...lines])}${describeRows(changes, show)}`;
}

function describeRows(changes: readonly Change[], show: number): string {
  const shown = someOfEach(
    changes.map(({ changed }) => ({ rows: changed.length, first: changed })),
    show,
  );
  if (shown.length === 0) return '';
  return `\n${table([['  row', 'first', 'second'], ...shown.map(describeRow)])}`;
}

function describeRow({ place, first, second }: ChangedRow): string[] {
  const key = first?.key ?? second?.key;
  const why = (row: ChangedRow['first']) =>
    row === undefined
      ? 'kept'
      : [`${row.operator} ${row.reason}`, measuredText(row), row.detail]
          .filter((text) => text !== undefined)
          .join(', ');
  return [`  ${originText({ ...place, epoch: 0, ...(key === undefined ? {} : { key }) })}`, why(first), why(second)];
}

function sideText(side: Side): string {
  return side === 'kept' ? 'kept' : `${side.operator} ${side.reason}`;
}

function shareText({ value, low, high }: Change['share']): string {
  const [text, from, to] = [value, low, high].map((share) => `${(100 * share).toFixed(2)} %`);
  return `${text} (${from} to ${to})`;
}
