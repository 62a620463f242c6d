/** Text from data and manifests, as it may be shown. */
import type { DroppedRow } from '../graph/chain.js';
import { formatFigure } from './format.js';

/** Without control characters and marks of direction, with which a text could write on a terminal what it likes. Tabs stay. */
export function plainText(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (character) =>
    character === '\t' ? character : '\u00b7',
  );
}

/** Characters of a key that are shown. */
const KEY_LENGTH = 80;

/** Where a row came from, after its key where it has one: `cat-7 in part-00001.parquet, row group 3, row 77`. */
export function originText({
  file,
  rowGroup,
  row,
  epoch,
  key,
}: Pick<DroppedRow, 'file' | 'rowGroup' | 'row' | 'epoch' | 'key'>): string {
  const parts = [
    file,
    rowGroup === undefined ? '' : `row group ${rowGroup}`,
    `row ${row}`,
    epoch === 0 ? '' : `epoch ${epoch}`,
  ];
  const place = parts.filter((part) => part !== '').join(', ');
  return key === undefined ? place : `${key.slice(0, KEY_LENGTH)} in ${place}`;
}

/** What was measured of a row last, and what it was held against: `words 2, threshold 3`; undefined where nothing was. */
export function measuredText({
  measure,
  value,
  threshold,
}: Pick<DroppedRow, 'measure' | 'value' | 'threshold'>): string | undefined {
  if (measure === undefined || value === undefined) return undefined;
  const against = threshold === undefined ? '' : `, threshold ${formatFigure(threshold)}`;
  return `${measure} ${formatFigure(value)}${against}`;
}
