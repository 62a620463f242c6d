/**
 * Columns in the one plain form that operators expect. Writers choose between several for the same values (pyarrow writes
 * `string`, Polars `large_string`, pandas categories dictionaries), which is no business of an operator that reads text:
 * a large or view column becomes a plain one, and a dictionary is replaced by its values.
 */
import {
  Binary,
  Data,
  type DataType,
  type Dictionary,
  Field,
  FixedSizeList,
  List,
  type RecordBatch,
  Schema,
  Struct,
  Type,
  Utf8,
  type Vector,
  vectorFromArray,
} from 'apache-arrow';
import { bitAt, bitmapBytes } from './bitmap.js';
import { concatData } from './concat.js';
import { readOffsets, writeOffsets } from './offsets.js';
import { rangesOf } from './ranges.js';
import { batchFrom } from './select.js';
import { takeData } from './take.js';

/** The schema with plain columns. Every column may be null: files of one data set differ in that. */
export function plainSchema(schema: Schema): Schema {
  const fields = schema.fields.map(({ name, type, metadata }) => new Field(name, plainType(type), true, metadata));
  return new Schema(fields, schema.metadata);
}

/** The batch with the columns that `schema` names, in its order, each in its plain form. */
export function plainBatch(batch: RecordBatch, schema: Schema): RecordBatch {
  const place = new Map(batch.schema.fields.map(({ name }, i) => [name, i]));
  const columns = schema.fields.map(({ name }) => plainData(batch.data.children[place.get(name)!]!));
  return batchFrom(schema, columns, batch.numRows);
}

function plainType(type: DataType): DataType {
  switch (type.typeId) {
    case Type.LargeUtf8:
    case Type.Utf8View:
      return new Utf8();
    case Type.LargeBinary:
    case Type.BinaryView:
      return new Binary();
    case Type.Dictionary:
      return plainType((type as Dictionary).dictionary);
    case Type.List:
    case Type.LargeList:
      return new List(plainField(type.children[0]!));
    case Type.FixedSizeList:
      return new FixedSizeList((type as FixedSizeList).listSize, plainField(type.children[0]!));
    case Type.Struct:
      return new Struct(type.children.map(plainField));
    default:
      return type;
  }
}

function plainField({ name, type, nullable, metadata }: Field): Field {
  return new Field(name, plainType(type), nullable, metadata);
}

function plainData(data: Data): Data {
  const type = plainType(data.type);
  const make = (offsets: unknown, values: unknown, children: readonly Data[] = []): Data =>
    new Data<DataType>(
      type,
      data.offset,
      data.length,
      data.nullCount,
      [offsets, values, data.nullBitmap, undefined] as never,
      [...children],
    );
  switch (data.type.typeId) {
    case Type.LargeUtf8:
    case Type.LargeBinary:
      return make(narrowOffsets(data), data.values);
    case Type.Utf8View:
    case Type.BinaryView: {
      const { offsets, values } = gatherViews(data);
      return make(offsets, values);
    }
    case Type.Dictionary:
      return decode(data, type);
    case Type.List:
    case Type.LargeList:
      return make(narrowOffsets(data), undefined, data.children.map(plainData));
    case Type.FixedSizeList:
    case Type.Struct:
      return make(undefined, undefined, data.children.map(plainData));
    default:
      return data;
  }
}

function narrowOffsets(data: Data): Int32Array | BigInt64Array {
  return data.valueOffsets instanceof Int32Array
    ? data.valueOffsets
    : writeOffsets(Float64Array.from(readOffsets(data.valueOffsets, data.length)), false);
}

/** The values of a view column one behind the other. A view: length, then the bytes (up to 12) or buffer and offset. */
function gatherViews(data: Data): { readonly offsets: unknown; readonly values: Uint8Array } {
  const bytes = data.values as Uint8Array;
  const views = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const offsets = new Float64Array(data.length + 1);
  const size = (row: number) => (data.getValid(row) ? views.getInt32(row * 16, true) : 0);
  for (let row = 0; row < data.length; row++) offsets[row + 1] = offsets[row]! + size(row);
  const values = new Uint8Array(offsets[data.length]!);
  for (let row = 0; row < data.length; row++) {
    const length = size(row);
    if (length <= 12) values.set(bytes.subarray(row * 16 + 4, row * 16 + 4 + length), offsets[row]);
    else {
      const buffer = data.variadicBuffers[views.getInt32(row * 16 + 8, true)]!;
      const from = views.getInt32(row * 16 + 12, true);
      values.set(buffer.subarray(from, from + length), offsets[row]);
    }
  }
  return { offsets: writeOffsets(offsets, false), values };
}

function decode(data: Data, type: DataType): Data {
  const dictionary = data.dictionary!;
  if (dictionary.length === 0) return nulls(data.length, type);
  const entries = plainData(concatData(dictionary.data as readonly Data[]));
  const indices = Uint32Array.from({ length: data.length }, (_, row) =>
    data.getValid(row) ? Number(data.values[row]) : 0,
  );
  const values = takeData(entries, rangesOf(indices, entries.length));
  if (data.nullCount <= 0) return values;
  const bitmap = new Uint8Array(bitmapBytes(data.length));
  let valid = 0;
  for (let row = 0; row < data.length; row++) {
    if (!data.getValid(row) || (values.nullCount > 0 && !bitAt(values.nullBitmap!, row))) continue;
    bitmap[row >> 3] = bitmap[row >> 3]! | (1 << (row & 7));
    valid++;
  }
  const buffers = [values.valueOffsets, values.values, bitmap, undefined] as never;
  return new Data<DataType>(type, 0, data.length, data.length - valid, buffers, values.children);
}

function nulls(length: number, type: DataType): Data {
  return (vectorFromArray(Array<null>(length).fill(null), type) as Vector).data[0]!;
}
