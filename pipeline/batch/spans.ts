import {
  Binary,
  Bool,
  type Data,
  type DataType,
  FixedSizeBinary,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  LargeBinary,
  LargeUtf8,
  type RecordBatch,
  Type,
  Uint8,
  Uint16,
  Uint32,
  Uint64,
  Utf8,
} from 'apache-arrow';
import { AlignflowError } from '../errors.js';
import { bitAt } from './bitmap.js';
import { findColumn } from './column.js';
import { type Offsets, readOffsets } from './offsets.js';

/** Types of text columns. */
export const TEXT: readonly DataType[] = [new Utf8(), new LargeUtf8()];
/** Types of columns of bytes of any length. */
export const BYTES: readonly DataType[] = [new Binary(), new LargeBinary()];
/** Types of columns of whole numbers. */
export const INTEGERS: readonly DataType[] = [
  new Int8(),
  new Int16(),
  new Int32(),
  new Int64(),
  new Uint8(),
  new Uint16(),
  new Uint32(),
  new Uint64(),
];
/** Types of columns of plain numbers. */
export const NUMBERS: readonly DataType[] = [...INTEGERS, new Float32(), new Float64()];
/** Types whose values are one run of bytes each: text, bytes, numbers, truth values. */
export const FLAT: readonly DataType[] = [...TEXT, ...BYTES, new FixedSizeBinary(0), ...NUMBERS, new Bool()];

/** Whether values of a type are text. */
export function isText({ typeId }: DataType): boolean {
  return TEXT.some((text) => text.typeId === typeId);
}

/** The bytes of each row of a column, without decoding them: row i is `values[offsets[i]]` up to `values[offsets[i + 1]]`. */
export interface Spans {
  readonly values: Uint8Array;
  readonly offsets: Offsets;
  isNull(row: number): boolean;
}

/** The bytes of a column of one of the `FLAT` types; a truth value is one byte, 0 or 1. */
export function readSpans(batch: RecordBatch, name: string): Spans {
  const data: Data = findColumn(batch, name).data[0]!;
  const isNull = nullTest(data);
  switch (data.type.typeId) {
    case Type.Utf8:
    case Type.LargeUtf8:
    case Type.Binary:
    case Type.LargeBinary:
      return { values: data.values, offsets: readOffsets(data.valueOffsets, data.length), isNull };
    case Type.Bool: {
      const values = Uint8Array.from({ length: data.length }, (_, i) => (bitAt(data.values, data.offset + i) ? 1 : 0));
      return { values, offsets: evenOffsets(data.length, 1), isNull };
    }
    case Type.Int:
    case Type.Float:
    case Type.FixedSizeBinary: {
      const { buffer, byteOffset, BYTES_PER_ELEMENT } = data.values as Uint8Array;
      const width = data.stride * BYTES_PER_ELEMENT;
      const values = new Uint8Array(buffer, byteOffset, data.length * width);
      return { values, offsets: evenOffsets(data.length, width), isNull };
    }
    default:
      throw new AlignflowError({
        what: `the column "${name}" has the type ${data.type}`,
        expected: 'text, bytes, numbers or truth values',
      });
  }
}

/** The values of a column of one of the `NUMBERS` types; 64-bit integers as the nearest number. */
export function readNumbers(
  batch: RecordBatch,
  name: string,
): {
  readonly values: ArrayLike<number>;
  isNull(row: number): boolean;
  /** Rounds a number as the column rounds its values, so that 0.8 equals what a Float32 column keeps for 0.8. */
  round(value: number): number;
} {
  const data: Data = findColumn(batch, name).data[0]!;
  const { typeId } = data.type;
  if (typeId !== Type.Int && typeId !== Type.Float) {
    throw new AlignflowError({ what: `the column "${name}" has the type ${data.type}`, expected: 'a number' });
  }
  const wide = data.values instanceof BigInt64Array || data.values instanceof BigUint64Array;
  const values: ArrayLike<number> = wide
    ? Float64Array.from({ length: data.length }, (_, i) => Number(data.values[i]))
    : data.values.subarray(0, data.length);
  const round = data.values instanceof Float32Array ? Math.fround : (value: number) => value;
  return { values, isNull: nullTest(data), round };
}

function nullTest(data: Data): (row: number) => boolean {
  if (data.nullCount <= 0) return () => false;
  const { nullBitmap, offset } = data;
  return (row) => !bitAt(nullBitmap, offset + row);
}

function evenOffsets(length: number, width: number): Offsets {
  const offsets = new Float64Array(length + 1);
  for (let i = 0; i <= length; i++) offsets[i] = i * width;
  return offsets;
}
