import { type Data, type RecordBatch, Type } from 'apache-arrow';
import { bitmapBytes } from './bitmap.js';
import { sliceData } from './concat.js';
import { readOffsets } from './offsets.js';

/**
 * Bytes of the rows of a batch: what a copy of them would need. A slice counts only its rows; dictionaries, which batches
 * share, are not counted.
 */
export function batchBytes(batch: RecordBatch): number {
  return batch.data.children.reduce((sum, column) => sum + dataBytes(column), 0);
}

/** Bytes of the values of one column, counted as in `batchBytes`. */
export function dataBytes(data: Data): number {
  return (data.nullCount > 0 ? bitmapBytes(data.length) : 0) + valueBytes(data);
}

function valueBytes(data: Data): number {
  const { length } = data;
  switch (data.type.typeId) {
    case Type.Null:
      return 0;
    case Type.Bool:
      return bitmapBytes(length);
    case Type.Utf8:
    case Type.LargeUtf8:
    case Type.Binary:
    case Type.LargeBinary:
    case Type.List:
    case Type.LargeList:
    case Type.Map: {
      const offsets = readOffsets(data.valueOffsets, length);
      const width = data.valueOffsets.BYTES_PER_ELEMENT as number;
      const from = offsets[0]!;
      const size = offsets[length]! - from;
      const child = data.children[0];
      return (length + 1) * width + (child === undefined ? size : dataBytes(sliceData(child, from, size)));
    }
    case Type.Struct:
      return data.children.reduce((sum, child) => sum + dataBytes(sliceData(child, 0, length)), 0);
    case Type.FixedSizeList:
      return dataBytes(sliceData(data.children[0]!, 0, length * data.stride));
    case Type.Utf8View:
    case Type.BinaryView:
      return length * 16 + viewBytes(data.values, length);
    default:
      return length * data.stride * (data.values.BYTES_PER_ELEMENT as number);
  }
}

/**
 * Bytes of the values of each row, so that a bound in bytes falls on the same row however rows are batched. Bitmaps and
 * offsets are not counted; a truth value counts as one byte.
 */
export function rowBytes(batch: RecordBatch): Float64Array {
  const sizes = new Float64Array(batch.numRows);
  for (const column of batch.data.children) addRowBytes(column, sizes);
  return sizes;
}

function addRowBytes(data: Data, sizes: Float64Array): void {
  switch (data.type.typeId) {
    case Type.Null:
      return;
    case Type.Utf8:
    case Type.LargeUtf8:
    case Type.Binary:
    case Type.LargeBinary: {
      const offsets = readOffsets(data.valueOffsets, data.length);
      for (let row = 0; row < data.length; row++) sizes[row]! += offsets[row + 1]! - offsets[row]!;
      return;
    }
    case Type.List:
    case Type.LargeList:
    case Type.Map: {
      const offsets = readOffsets(data.valueOffsets, data.length);
      addElementBytes(data, (row) => [offsets[row]!, offsets[row + 1]!], sizes);
      return;
    }
    case Type.FixedSizeList:
      addElementBytes(data, (row) => [row * data.stride, (row + 1) * data.stride], sizes);
      return;
    case Type.Struct:
      for (const child of data.children) addRowBytes(sliceData(child, 0, data.length), sizes);
      return;
    case Type.Utf8View:
    case Type.BinaryView: {
      const { buffer, byteOffset, byteLength } = data.values as Uint8Array;
      const words = new DataView(buffer, byteOffset, byteLength);
      for (let row = 0; row < data.length; row++) sizes[row]! += words.getInt32(row * 16, true);
      return;
    }
    default: {
      const width = data.type.typeId === Type.Bool ? 1 : data.stride * (data.values.BYTES_PER_ELEMENT as number);
      for (let row = 0; row < data.length; row++) sizes[row]! += width;
    }
  }
}

/** Adds to each row the bytes of its elements, which are a run of the child's. */
function addElementBytes(data: Data, run: (row: number) => readonly [number, number], sizes: Float64Array): void {
  const child = data.children[0]!;
  const elements = new Float64Array(child.length);
  addRowBytes(child, elements);
  for (let row = 0; row < data.length; row++) {
    const [from, to] = run(row);
    for (let i = from; i < to; i++) sizes[row]! += elements[i]!;
  }
}

/** Bytes of the values that do not fit into their view. */
function viewBytes(views: Uint8Array, rows: number): number {
  const words = new DataView(views.buffer, views.byteOffset, views.byteLength);
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    const size = words.getInt32(row * 16, true);
    if (size > 12) sum += size;
  }
  return sum;
}
