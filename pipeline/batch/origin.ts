/**
 * Where each row came from, carried through every operator in one hidden column: the ledger names a dropped row by it,
 * random choices are keyed by it, and a restart knows from it what has been consumed.
 *
 * An origin is 64 bits: epoch (16) | unit (24) | row in the unit (24), where a unit is what a source reads at once
 * (a row group of a file). The hidden column is part of every batch that flows, and of no declared schema.
 */
import { Field, makeData, RecordBatch, Schema, Struct, Uint64 } from 'apache-arrow';
import { AlignflowError } from '../errors.js';

/** Name of the hidden column. Columns of users must not have it. */
export const ORIGIN = '__origin__';

/** The place of one row. */
export interface Origin {
  /** How often the source has been read before, from 0. */
  readonly epoch: number;
  /** Index of the unit in the source's list of units. */
  readonly unit: number;
  /** Row in the unit, from 0. */
  readonly row: number;
}

const LIMITS = { epoch: 1 << 16, unit: 1 << 24, row: 1 << 24 };
const originField = new Field(ORIGIN, new Uint64(), false);

/** The batch with its hidden column: rows `firstRow`, `firstRow + 1`, ... of a unit in an epoch. */
export function withOrigin(batch: RecordBatch, { epoch, unit, row: firstRow }: Origin): RecordBatch {
  check('epoch', epoch);
  check('unit', unit);
  check('row', firstRow + Math.max(0, batch.numRows - 1));
  const words = new Uint32Array(batch.numRows * 2);
  for (let i = 0; i < batch.numRows; i++) {
    words[2 * i] = ((unit & 0xff) << 24) | (firstRow + i);
    words[2 * i + 1] = (epoch << 16) | (unit >>> 8);
  }
  const column = makeData({ type: new Uint64(), length: batch.numRows, data: new BigUint64Array(words.buffer) });
  const fields = [...batch.schema.fields, originField];
  const schema = new Schema(fields, batch.schema.metadata);
  const data = makeData({
    type: new Struct(fields),
    length: batch.numRows,
    nullCount: 0,
    children: [...batch.data.children, column],
  });
  return new RecordBatch(schema, data);
}

/** The two 32-bit words (low, high) of each row's origin, interleaved; undefined where the batch has none. */
export function originWords(batch: RecordBatch): Uint32Array | undefined {
  // Not by `getChild`, which makes a vector each time: this is asked for single rows.
  const at = batch.schema.fields.findIndex(({ name }) => name === ORIGIN);
  const values = batch.data.children[at]?.values as BigUint64Array | undefined;
  return values === undefined ? undefined : new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
}

/** Where one row came from; undefined where the batch carries no origins. */
export function originOf(batch: RecordBatch, row: number): Origin | undefined {
  const words = originWords(batch);
  if (words === undefined) return undefined;
  const low = words[2 * row]!;
  const high = words[2 * row + 1]!;
  return { epoch: high >>> 16, unit: ((high & 0xffff) << 8) | (low >>> 24), row: low & 0xffffff };
}

/** The batch as users see it: without the hidden column. */
export function withoutOrigin(batch: RecordBatch): RecordBatch {
  const at = batch.schema.fields.findIndex((field) => field.name === ORIGIN);
  if (at < 0) return batch;
  const fields = batch.schema.fields.filter((_, i) => i !== at);
  const children = batch.data.children.filter((_, i) => i !== at);
  const data = makeData({ type: new Struct(fields), length: batch.numRows, nullCount: 0, children });
  return new RecordBatch(new Schema(fields, batch.schema.metadata), data);
}

function check(part: keyof typeof LIMITS, value: number): void {
  if (value >= LIMITS[part]) {
    throw new AlignflowError({
      what: `a source has more than ${LIMITS[part]} ${part === 'epoch' ? 'epochs' : part === 'unit' ? 'units' : 'rows in one unit'}`,
      fix: 'write the data with other row groups (rows: 16,777,216 at most in a row group; row groups: as many in a source)',
    });
  }
}
