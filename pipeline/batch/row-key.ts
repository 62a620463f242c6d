import type { DataType, RecordBatch } from 'apache-arrow';
import { INTEGERS, isText, readSpans, TEXT } from './spans.js';

/** Types of columns that can name a row. */
export const KEYS: readonly DataType[] = [...TEXT, ...INTEGERS];

/** Bytes of a key that are kept: a name is short, a column that holds none need not fill a ledger. */
const LONGEST = 1024;

/** What a column of one of the `KEYS` types calls a row; undefined for null, and where a batch has no such column. */
export function keyReader(column: string): (batch: RecordBatch, row: number) => string | undefined {
  let read: RecordBatch | undefined;
  let keyOf: (row: number) => string | undefined = () => undefined;
  return (batch, row) => {
    if (batch !== read) [read, keyOf] = [batch, readKeys(batch, column)];
    return keyOf(row);
  };
}

function readKeys(batch: RecordBatch, column: string): (row: number) => string | undefined {
  const at = batch.schema.fields.findIndex(({ name, type }) => name === column && isKey(type));
  const data = batch.data.children[at];
  if (data === undefined) return () => undefined;
  const { values, offsets, isNull } = readSpans(batch, column);
  if (isText(data.type)) {
    const decoder = new TextDecoder();
    return (row) => {
      if (isNull(row)) return undefined;
      return decoder.decode(values.subarray(offsets[row], Math.min(offsets[row + 1]!, offsets[row]! + LONGEST)));
    };
  }
  const numbers = data.values as ArrayLike<number | bigint>;
  return (row) => (isNull(row) ? undefined : String(numbers[row]));
}

function isKey(type: DataType): boolean {
  return KEYS.some((key) => String(key) === String(type));
}
