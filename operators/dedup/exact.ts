import type { RecordBatch } from 'apache-arrow';
import { defer, map } from 'rxjs';
import { keepRows } from '../../pipeline/batch/select.js';
import { FLAT, readSpans } from '../../pipeline/batch/spans.js';
import { AlignflowError } from '../../pipeline/errors.js';
import { defineOperator } from '../../pipeline/operator.js';
import { hashBytes } from './hash.js';
import { createHashSet, hashSetBytes } from './hash-set.js';

/**
 * Keeps the first row of all rows that have the same values in some columns, byte for byte. Rows are compared by a 128-bit
 * hash: among 10 million rows, two that differ are taken for one with a chance below 1 in 10^24.
 */
export interface Exact {
  /** Columns whose values together make two rows the same: text, bytes, numbers or truth values. */
  columns: readonly string[];
  /** What a null is: `keep` keeps every row with a null among the columns, `equal` takes nulls as equal to each other. */
  nulls: 'keep' | 'equal';
  /** Most different rows; memory for their hashes is set aside (21 to 43 bytes each). @minimum 1 @maximum 100000000 @integer */
  expected: number;
}

export default defineOperator({
  name: 'dedup/exact',
  defaults: { nulls: 'keep', expected: 1000000 },
  reads: ({ columns }: Exact) => Object.fromEntries(columns.map((column) => [column, FLAT])),
  writes: (schema, { columns }) => {
    if (columns.length > 0) return schema;
    throw new AlignflowError({
      what: 'columns is empty: every row is the same',
      expected: 'at least one column',
      options: ['columns'],
    });
  },
  drops: ['duplicate'],
  carries: 'state',
  holds: ({ expected }) => hashSetBytes(expected),
  run:
    ({ columns, nulls, expected }, context) =>
    (source) =>
      defer(() => {
        const seen = createHashSet(
          expected,
          context.state(() => seen.bytes()),
        );
        return source.pipe(
          map((batch) => {
            const hashRow = rowHash(batch, columns, nulls);
            return keepRows(batch, context, (row) => {
              const hash = hashRow(row);
              return hash === undefined || seen.add(hash) ? undefined : 'duplicate';
            });
          }),
        );
      }),
});

/** The hash of a row's values, in memory that the next call reuses; undefined for a row with a null that is always kept. */
function rowHash(batch: RecordBatch, columns: readonly string[], nulls: Exact['nulls']) {
  const spans = columns.map((column) => readSpans(batch, column));
  const hash = new Uint32Array(4);
  const nothing = new Uint8Array(0);
  return (row: number): Uint32Array | undefined => {
    hash.fill(0);
    for (const { values, offsets, isNull } of spans) {
      if (!isNull(row)) hashBytes(values, offsets[row]!, offsets[row + 1]!, hash);
      else if (nulls === 'keep') return undefined;
      else {
        // Unlike an empty run of bytes, which leaves a state of zeros as it is.
        hash[0] = ~hash[0]!;
        hashBytes(nothing, 0, 0, hash);
      }
    }
    return hash;
  };
}
