import { plainText } from './plain-text.js';

/** Lines of cells, in columns as wide as their widest cell; those of numbers are set to the right. */
export function table(rows: readonly (readonly string[])[], numbers: readonly number[] = []): string {
  const clean = rows.map((row) => row.map((cell) => plainText(cell)));
  const widths = clean[0]!.map((_, column) => Math.max(...clean.map((row) => row[column]!.length)));
  const lines = clean.map((row) =>
    row
      .map((cell, column) => (numbers.includes(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}
