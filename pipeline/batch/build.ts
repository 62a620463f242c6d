import {
  Binary,
  Bool,
  Data,
  type DataType,
  Field,
  FixedSizeBinary,
  Float32,
  Float64,
  Int32,
  Int64,
  List,
  makeData,
  type RecordBatch,
  Schema,
  Struct,
  Utf8,
  Vector,
} from 'apache-arrow';
import { AlignflowError } from '../errors.js';
import { bitmapBytes } from './bitmap.js';
import { concatData } from './concat.js';
import { writeOffsets } from './offsets.js';
import { batchFrom } from './select.js';

/** Builds columns from plain values, straight into Arrow buffers. `null` (or `undefined`) is a null value. */
type Values<T> = ArrayLike<T | null | undefined>;

const encoder = new TextEncoder();

/** Text. */
export function utf8Column(values: Values<string>): Vector<Utf8> {
  return bytesColumn(
    new Utf8(),
    Array.from(values, (value) => (value == null ? null : encoder.encode(value))),
  );
}

/** Bytes of any length: encoded images. */
export function binaryColumn(values: Values<Uint8Array>): Vector<Binary> {
  return bytesColumn(new Binary(), values);
}

/** Values of `width` bytes each. */
export function fixedBinaryColumn(width: number, values: Values<Uint8Array>): Vector<FixedSizeBinary> {
  const data = new Uint8Array(values.length * width);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value == null) continue;
    if (value.length !== width) {
      throw new AlignflowError({ what: `value ${i} has ${value.length} bytes`, expected: `${width} bytes` });
    }
    data.set(value, i * width);
  }
  return vector(new FixedSizeBinary(width), values, data);
}

/** Whole numbers of 32 bits. */
export function int32Column(values: Values<number>): Vector<Int32> {
  return vector(new Int32(), values, numbers(Int32Array, values));
}

/** Whole numbers of 64 bits. */
export function int64Column(values: Values<bigint>): Vector<Int64> {
  const data = new BigInt64Array(values.length);
  for (let i = 0; i < values.length; i++) data[i] = values[i] ?? 0n;
  return vector(new Int64(), values, data);
}

/** Numbers of 32-bit precision. */
export function float32Column(values: Values<number>): Vector<Float32> {
  return vector(new Float32(), values, numbers(Float32Array, values));
}

/** Numbers of 64-bit precision. */
export function float64Column(values: Values<number>): Vector<Float64> {
  return vector(new Float64(), values, numbers(Float64Array, values));
}

/** Truth values. */
export function boolColumn(values: Values<boolean>): Vector<Bool> {
  const bits = new Uint8Array(bitmapBytes(values.length));
  for (let i = 0; i < values.length; i++) if (values[i] === true) bits[i >> 3] = bits[i >> 3]! | (1 << (i & 7));
  return vector(new Bool(), values, bits);
}

/** Lists: `lengths[i]` elements of `child` for row i, in order; a null length is a null list and takes none. */
export function listColumn<T extends DataType>(child: Vector<T>, lengths: Values<number>): Vector<List<T>> {
  const offsets = new Float64Array(lengths.length + 1);
  for (let i = 0; i < lengths.length; i++) offsets[i + 1] = offsets[i]! + (lengths[i] ?? 0);
  if (offsets[lengths.length] !== child.length) {
    throw new AlignflowError({
      what: `lists of ${offsets[lengths.length]} elements together were to be made of ${child.length} elements`,
    });
  }
  const type = new List<T>(new Field('item', child.type, true));
  const elements = child.data.length === 0 ? makeData({ type: child.type }) : concatData(child.data);
  const buffers = [writeOffsets(offsets, false), undefined, validity(lengths), undefined];
  return new Vector([new Data<List<T>>(type, 0, lengths.length, nulls(lengths), buffers as never, [elements])]);
}

/** Lists of whole numbers of 32 bits: token ids. */
export function int32ListColumn(lists: Values<ArrayLike<number>>): Vector<List<Int32>> {
  const lengths = Array.from(lists, (list) => list?.length ?? null);
  const elements = new Int32Array(lengths.reduce<number>((sum, length) => sum + (length ?? 0), 0));
  let to = 0;
  for (let i = 0; i < lists.length; i++) {
    const list = lists[i];
    if (list == null) continue;
    elements.set(list, to);
    to += list.length;
  }
  return listColumn(new Vector([makeData({ type: new Int32(), data: elements })]), lengths);
}

/** Records of named columns of one length; `valid[i] === false` makes row i null. */
export function structColumn(children: Readonly<Record<string, Vector>>, valid?: readonly boolean[]): Vector<Struct> {
  const batch = batchOf(children);
  const marks = Array.from({ length: batch.numRows }, (_, i) => (valid?.[i] === false ? null : true));
  const buffers = [undefined, undefined, validity(marks), undefined] as never;
  const type = new Struct(batch.schema.fields);
  return new Vector([new Data(type, 0, batch.numRows, nulls(marks), buffers, batch.data.children)]);
}

/** A batch of named columns of one length. Every field may be null. */
export function batchOf(columns: Readonly<Record<string, Vector>>): RecordBatch {
  const entries = Object.entries(columns);
  const length = entries[0]?.[1].length ?? 0;
  for (const [name, column] of entries) {
    if (column.length !== length) {
      throw new AlignflowError({
        what: `the column "${name}" has ${column.length} values`,
        expected: `${length}, as many as the first column`,
      });
    }
  }
  const schema = new Schema(entries.map(([name, { type }]) => new Field(name, type, true)));
  const data = entries.map(([, { type, data: parts }]) =>
    parts.length === 0 ? makeData({ type }) : concatData(parts),
  );
  return batchFrom(schema, data, length);
}

function bytesColumn<T extends Utf8 | Binary>(type: T, values: Values<Uint8Array>): Vector<T> {
  const offsets = new Float64Array(values.length + 1);
  for (let i = 0; i < values.length; i++) offsets[i + 1] = offsets[i]! + (values[i]?.length ?? 0);
  const valueOffsets = writeOffsets(offsets, false);
  const data = new Uint8Array(offsets[values.length]!);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value != null) data.set(value, offsets[i]);
  }
  return vector(type, values, data, valueOffsets);
}

function vector<T extends DataType>(type: T, values: Values<unknown>, data: unknown, offsets?: unknown): Vector<T> {
  const buffers = [offsets, data, validity(values), undefined] as never;
  return new Vector<T>([new Data<T>(type, 0, values.length, nulls(values), buffers)]);
}

function numbers<A extends Int32Array | Float32Array | Float64Array>(
  ArrayType: new (length: number) => A,
  values: Values<number>,
): A {
  const data = new ArrayType(values.length);
  for (let i = 0; i < values.length; i++) data[i] = values[i] ?? 0;
  return data;
}

function nulls(values: Values<unknown>): number {
  let count = 0;
  for (let i = 0; i < values.length; i++) if (values[i] == null) count++;
  return count;
}

function validity(values: Values<unknown>): Uint8Array {
  if (nulls(values) === 0) return new Uint8Array(0);
  const bits = new Uint8Array(bitmapBytes(values.length));
  for (let i = 0; i < values.length; i++) if (values[i] != null) bits[i >> 3] = bits[i >> 3]! | (1 << (i & 7));
  return bits;
}
