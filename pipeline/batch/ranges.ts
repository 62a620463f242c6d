import { AlignflowError } from '../errors.js';

/** Rows in runs: run `i` is the rows `starts[i]` up to, not including, `ends[i]`. Runs may overlap and come in any order. */
export interface Ranges {
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  /** How many runs there are; the arrays may be longer. */
  readonly count: number;
  /** How many rows all runs have together. */
  readonly length: number;
}

/** The runs of a list of rows below `limit`: neighbours that follow each other are one run. */
export function rangesOf(rows: Uint32Array, limit: number): Ranges {
  const starts = new Uint32Array(rows.length);
  const ends = new Uint32Array(rows.length);
  let count = 0;
  let next = -1;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    if (row >= limit) throw new AlignflowError({ what: `row ${row} of a batch of ${limit} rows was asked for` });
    if (row === next) ends[count - 1] = row + 1;
    else {
      starts[count] = row;
      ends[count++] = row + 1;
    }
    next = row + 1;
  }
  return { starts, ends, count, length: rows.length };
}

/** The same runs where each row is `size` elements of a child. */
export function scaleRanges({ starts, ends, count, length }: Ranges, size: number): Ranges {
  return {
    starts: starts.map((start) => start * size),
    ends: ends.map((end) => end * size),
    count,
    length: length * size,
  };
}
