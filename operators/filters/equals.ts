import { Bool, type RecordBatch, Type } from 'apache-arrow';
import { findColumn } from '../../pipeline/batch/column.js';
import { findField } from '../../pipeline/batch/columns.js';
import { NUMBERS, readNumbers, readSpans, TEXT } from '../../pipeline/batch/spans.js';
import { AlignflowError } from '../../pipeline/errors.js';
import { defineFilter } from '../../pipeline/filter.js';

/** Keeps rows whose value in a column is one of a few. */
export interface Equals {
  /** Column of text, numbers or truth values. */
  column: string;
  /** Values kept, of the column's kind: text is compared as it is, upper and lower case differ. */
  values: readonly (string | number | boolean)[];
}

export default defineFilter({
  name: 'filter/equals',
  defaults: {},
  reads: ({ column }: Equals) => ({ [column]: [...TEXT, ...NUMBERS, new Bool()] }),
  check: ({ column, values }, schema) => {
    if (values.length === 0) {
      throw new AlignflowError({
        what: 'values is empty: no row is kept',
        expected: 'at least one value',
        options: ['values'],
      });
    }
    const { type } = findField(schema, column);
    const kind = kindOf(type.typeId);
    const wrong = values.findIndex((value) => typeof value !== kind);
    if (wrong < 0) return;
    throw new AlignflowError({
      what: `values has ${JSON.stringify(values[wrong])}, and the column "${column}" has the type ${type}`,
      expected: `values of the kind ${kind}`,
      options: [`values[${wrong}]`],
    });
  },
  drops: ['null', 'other'],
  judge: (batch, { column, values }) => {
    const kind = kindOf(findColumn(batch, column).type.typeId);
    const { isNull, isOneOf } = kind === 'number' ? numberTest(batch, column, values) : byteTest(batch, column, values);
    return (row) => (isNull(row) ? 'null' : isOneOf(row) ? undefined : 'other');
  },
});

interface Test {
  isNull(row: number): boolean;
  isOneOf(row: number): boolean;
}

function kindOf(type: Type): 'string' | 'number' | 'boolean' {
  return type === Type.Int || type === Type.Float ? 'number' : type === Type.Bool ? 'boolean' : 'string';
}

function numberTest(batch: RecordBatch, column: string, wanted: Equals['values']): Test {
  const { values, isNull, round } = readNumbers(batch, column);
  const set = new Set(wanted.map((value) => round(Number(value))));
  return { isNull, isOneOf: (row) => set.has(values[row]!) };
}

/** Compares bytes, so that no string is made of what is in the column. */
function byteTest(batch: RecordBatch, column: string, wanted: Equals['values']): Test {
  const { values, offsets, isNull } = readSpans(batch, column);
  const encoder = new TextEncoder();
  const byLength = new Map<number, Uint8Array[]>();
  for (const value of wanted) {
    const bytes = typeof value === 'string' ? encoder.encode(value) : Uint8Array.of(value === true ? 1 : 0);
    byLength.set(bytes.length, [...(byLength.get(bytes.length) ?? []), bytes]);
  }
  const matches = (bytes: Uint8Array, from: number): boolean => {
    for (let i = 0; i < bytes.length; i++) if (bytes[i] !== values[from + i]) return false;
    return true;
  };
  return {
    isNull,
    isOneOf: (row) => {
      const from = offsets[row]!;
      const candidates = byLength.get(offsets[row + 1]! - from);
      return candidates?.some((bytes) => matches(bytes, from)) ?? false;
    },
  };
}
