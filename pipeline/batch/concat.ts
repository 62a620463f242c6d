import { Data, type DataType, makeData, type RecordBatch, Type, type Vector } from 'apache-arrow';
import { AlignflowError } from '../errors.js';
import { bitmapBytes, copyBits, setBits } from './bitmap.js';
import { sameType } from './column.js';
import { mergeDictionaries } from './dictionary.js';
import { readOffsets, writeOffsets } from './offsets.js';
import { batchFrom } from './select.js';

/** The rows of all batches in one, in order. They must have the same columns; the first one's schema and metadata stay. */
export function concatBatches(batches: readonly RecordBatch[]): RecordBatch {
  const [first, ...rest] = batches;
  if (first === undefined) throw new AlignflowError({ what: 'no batches to put together', expected: 'at least one' });
  if (rest.length === 0) return first;
  for (const batch of rest) checkColumns(first, batch);
  const full = batches.filter((batch) => batch.numRows > 0);
  if (full.length <= 1) return full[0] ?? first;
  const columns = first.schema.fields.map((_, i) => concatData(full.map((batch) => batch.data.children[i]!)));
  const length = full.reduce((sum, batch) => sum + batch.numRows, 0);
  return batchFrom(first.schema, columns, length, first.metadata);
}

/** Rows `start` up to, not including, `end`. Nothing is copied, so the slice keeps the whole batch in memory. */
export function sliceBatch(batch: RecordBatch, start: number, end: number): RecordBatch {
  const from = Math.min(Math.max(0, start), batch.numRows);
  const length = Math.min(Math.max(from, end), batch.numRows) - from;
  if (length === batch.numRows) return batch;
  const columns = batch.data.children.map((column) => sliceData(column, from, length));
  return batchFrom(batch.schema, columns, length, batch.metadata);
}

/** Some rows of one column, without a copy. (Arrow's own slice loses the count of nulls of a Null column.) */
export function sliceData(data: Data, from: number, length: number): Data {
  return data.type.typeId === Type.Null ? makeData({ type: data.type, length }) : data.slice(from, length);
}

/** The values of all parts in one column that begins at offset 0. The parts have the same type. */
export function concatData(parts: readonly Data[]): Data {
  const first = parts[0];
  if (first === undefined) throw new AlignflowError({ what: 'no columns to put together', expected: 'at least one' });
  if (parts.length === 1) return first;
  const { type } = first;
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (type.typeId === Type.Null) return makeData({ type, length });
  const { bitmap, nulls } = concatValidity(parts, length);
  const make = (offsets: unknown, values: unknown, children: Data[] = [], dictionary?: Vector, views?: Uint8Array[]) =>
    new Data<DataType>(
      type,
      0,
      length,
      nulls,
      [offsets, values, bitmap, undefined] as never,
      children,
      dictionary,
      views,
    );
  switch (type.typeId) {
    case Type.Bool:
      return make(undefined, concatBits(parts, length));
    case Type.Utf8:
    case Type.LargeUtf8:
    case Type.Binary:
    case Type.LargeBinary: {
      const { offsets, spans } = concatOffsets(parts, length);
      return make(
        offsets,
        joinArrays(parts.map((part, i) => (part.values as Uint8Array).subarray(spans[i]![0], spans[i]![1]))),
      );
    }
    case Type.List:
    case Type.LargeList:
    case Type.Map: {
      const { offsets, spans } = concatOffsets(parts, length);
      const children = parts.map((part, i) => sliceData(part.children[0]!, spans[i]![0], spans[i]![1] - spans[i]![0]));
      return make(offsets, undefined, [concatData(children)]);
    }
    case Type.Struct:
      return make(
        undefined,
        undefined,
        first.children.map((_, i) => concatData(parts.map((part) => sliceData(part.children[i]!, 0, part.length)))),
      );
    case Type.FixedSizeList: {
      const children = parts.map((part) => sliceData(part.children[0]!, 0, part.length * part.stride));
      return make(undefined, undefined, [concatData(children)]);
    }
    case Type.Dictionary: {
      const { dictionary, indices } = mergeDictionaries(parts);
      return make(undefined, joinArrays(indices), [], dictionary);
    }
    case Type.Utf8View:
    case Type.BinaryView: {
      const buffers = parts.flatMap((part) => [...part.variadicBuffers]);
      return make(undefined, concatViews(parts), [], undefined, buffers);
    }
    case Type.Union:
      throw new AlignflowError({ what: `a column has the type ${type}, whose rows cannot be put together` });
    default:
      return make(undefined, joinArrays(parts.map((part) => part.values.subarray(0, part.length * part.stride))));
  }
}

function checkColumns(first: RecordBatch, batch: RecordBatch): void {
  const same =
    first.schema.fields.length === batch.schema.fields.length &&
    first.schema.fields.every((field, i) => {
      const other = batch.schema.fields[i]!;
      return other.name === field.name && sameType(other.type, field.type);
    });
  if (same) return;
  const columns = (of: RecordBatch) => of.schema.fields.map(({ name, type }) => `${name}: ${type}`).join(', ');
  throw new AlignflowError({
    what: 'batches with different columns cannot be put together',
    expected: `${columns(first)}; got: ${columns(batch)}`,
  });
}

/** One array of all entries; the arrays are of one kind. */
function joinArrays<T extends NodeJS.TypedArray>(arrays: readonly T[]): T {
  const total = arrays.reduce((sum, array) => sum + array.length, 0);
  const joined = new (arrays[0]!.constructor as new (length: number) => T)(total);
  let to = 0;
  for (const array of arrays) {
    (joined as Uint8Array).set(array as Uint8Array, to);
    to += array.length;
  }
  return joined;
}

function concatOffsets(parts: readonly Data[], length: number) {
  const offsets = new Float64Array(length + 1);
  const spans: (readonly [start: number, end: number])[] = [];
  let to = 1;
  let sum = 0;
  for (const part of parts) {
    const source = readOffsets(part.valueOffsets, part.length);
    const begin = source[0]!;
    for (let row = 1; row <= part.length; row++) offsets[to++] = sum + source[row]! - begin;
    const end = source[part.length]!;
    sum += end - begin;
    spans.push([begin, end]);
  }
  return { offsets: writeOffsets(offsets, !(parts[0]!.valueOffsets instanceof Int32Array)), spans };
}

function concatValidity(parts: readonly Data[], length: number): { bitmap: Uint8Array; nulls: number } {
  const nulls = parts.reduce((sum, part) => sum + Math.max(0, part.nullCount), 0);
  if (nulls === 0) return { bitmap: new Uint8Array(0), nulls };
  const bitmap = new Uint8Array(bitmapBytes(length));
  let to = 0;
  for (const part of parts) {
    if (part.nullCount > 0) copyBits(part.nullBitmap, part.offset, bitmap, to, part.length);
    else setBits(bitmap, to, part.length);
    to += part.length;
  }
  return { bitmap, nulls };
}

function concatBits(parts: readonly Data[], length: number): Uint8Array {
  const bits = new Uint8Array(bitmapBytes(length));
  let to = 0;
  for (const part of parts) {
    copyBits(part.values, part.offset, bits, to, part.length);
    to += part.length;
  }
  return bits;
}

/** Views (16 bytes a row; longer values name a buffer at byte 8) with the buffers numbered anew. */
function concatViews(parts: readonly Data[]): Uint8Array {
  const views = joinArrays(parts.map((part) => (part.values as Uint8Array).subarray(0, part.length * 16)));
  const words = new DataView(views.buffer, views.byteOffset, views.byteLength);
  let row = 0;
  let firstBuffer = 0;
  for (const part of parts) {
    for (let i = 0; i < part.length; i++, row++) {
      const size = words.getInt32(row * 16, true);
      if (size > 12) words.setInt32(row * 16 + 8, words.getInt32(row * 16 + 8, true) + firstBuffer, true);
    }
    firstBuffer += part.variadicBuffers.length;
  }
  return views;
}
