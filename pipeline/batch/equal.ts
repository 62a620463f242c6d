import { type Data, type DataType, type RecordBatch, type Schema, Type, Vector } from 'apache-arrow';
import { bitAt } from './bitmap.js';
import { sameType } from './column.js';
import { sliceData } from './concat.js';
import { readOffsets } from './offsets.js';

/**
 * The first difference between two batches, in words, or undefined where they have the same columns (names, types, order)
 * and the same values. NaN equals NaN; 0 and -0 differ; how buffers and slices are laid out does not matter.
 */
export function batchDifference(a: RecordBatch, b: RecordBatch): string | undefined {
  return streamDifference([a], [b]);
}

/** The same for two streams of batches; where one batch ends and the next begins does not matter. */
export function streamDifference(a: readonly RecordBatch[], b: readonly RecordBatch[]): string | undefined {
  const [left, right] = [a.filter(hasRows), b.filter(hasRows)];
  const schemas = [...a, ...b];
  for (const batch of schemas) {
    const difference = schemaDifference(schemas[0]!.schema, batch.schema);
    if (difference !== undefined) return difference;
  }
  const [rowsA, rowsB] = [countRows(left), countRows(right)];
  let [i, j, atA, atB] = [0, 0, 0, 0];
  for (let row = 0; row < Math.min(rowsA, rowsB); row++) {
    const [batchA, batchB] = [left[i]!, right[j]!];
    for (const [k, field] of batchA.schema.fields.entries()) {
      const [dataA, dataB] = [batchA.data.children[k]!, batchB.data.children[k]!];
      if (!sameValue(dataA, atA, dataB, atB)) {
        return `row ${row}, column "${field.name}": ${show(dataA, atA)} against ${show(dataB, atB)}`;
      }
    }
    if (++atA === batchA.numRows) [i, atA] = [i + 1, 0];
    if (++atB === batchB.numRows) [j, atB] = [j + 1, 0];
  }
  return rowsA === rowsB ? undefined : `${rowsA} rows against ${rowsB}`;
}

/** The first difference in names, types or order of columns, in words. Metadata and nullability do not count. */
export function schemaDifference(a: Schema, b: Schema): string | undefined {
  const columns = ({ fields }: Schema) => fields.map(({ name, type }) => `${name}: ${type}`).join(', ') || 'none';
  const same =
    a.fields.length === b.fields.length &&
    a.fields.every((field, i) => field.name === b.fields[i]!.name && sameType(field.type, b.fields[i]!.type));
  return same ? undefined : `columns ${columns(a)} against ${columns(b)}`;
}

/** Whether a value of one column equals a value of another column of the same type. */
export function sameValue(a: Data, i: number, b: Data, j: number): boolean {
  if (a.type.typeId === Type.Null) return true;
  const valid = a.getValid(i);
  if (valid !== b.getValid(j)) return false;
  if (!valid) return true;
  switch (a.type.typeId) {
    case Type.Bool:
      return bitAt(a.values, a.offset + i) === bitAt(b.values, b.offset + j);
    case Type.List:
    case Type.LargeList:
    case Type.Map:
      return sameElements(childOf(a, i), childOf(b, j));
    case Type.FixedSizeList:
      return sameElements(
        sliceData(a.children[0]!, i * a.stride, a.stride),
        sliceData(b.children[0]!, j * b.stride, b.stride),
      );
    case Type.Struct:
      return a.children.every((child, k) => sameValue(child, i, b.children[k]!, j));
    case Type.Utf8:
    case Type.LargeUtf8:
    case Type.Binary:
    case Type.LargeBinary:
      return bytesOf(a, i).equals(bytesOf(b, j));
    default:
      return sameLeaf(new Vector([a]).get(i), new Vector([b]).get(j));
  }
}

function sameElements(a: Data, b: Data): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!sameValue(a, i, b, i)) return false;
  return true;
}

function sameLeaf(a: unknown, b: unknown): boolean {
  if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) return asBuffer(a).equals(asBuffer(b));
  return Object.is(a, b);
}

function asBuffer(view: ArrayBufferView): Buffer {
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}

function bytesOf(data: Data, row: number): Buffer {
  const offsets = readOffsets(data.valueOffsets.subarray(row, row + 2), 1);
  return asBuffer((data.values as Uint8Array).subarray(offsets[0], offsets[1]));
}

function childOf(data: Data, row: number): Data {
  const offsets = readOffsets(data.valueOffsets.subarray(row, row + 2), 1);
  return sliceData(data.children[0]!, offsets[0]!, offsets[1]! - offsets[0]!);
}

function show(data: Data, row: number): string {
  const value: unknown = new Vector<DataType>([data]).get(row);
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof Uint8Array)
    return `${value.length} bytes (${Buffer.from(value.subarray(0, 16)).toString('hex')})`;
  return String(value);
}

function hasRows(batch: RecordBatch): boolean {
  return batch.numRows > 0;
}

function countRows(batches: readonly RecordBatch[]): number {
  return batches.reduce((sum, batch) => sum + batch.numRows, 0);
}
