import { Data, type DataType, Type } from 'apache-arrow';
import { AlignflowError } from '../errors.js';
import { bitmapBytes, copyBits } from './bitmap.js';
import { readOffsets, writeOffsets } from './offsets.js';
import { type Ranges, scaleRanges } from './ranges.js';

/**
 * Copies runs of rows of one column, buffer by buffer, for every Arrow type but unions. The copy begins at offset 0 and
 * has only what the rows need; a dictionary and the data buffers of a view column are shared, not copied.
 *
 * Arrow's JavaScript library slices values and offsets at once; `data.offset` then counts for bits alone (validity, Bool).
 */
export function takeData(data: Data, ranges: Ranges): Data {
  const { type } = data;
  const { bitmap, nulls } = takeValidity(data, ranges);
  const make = (offsets: unknown, values: unknown, children: Data[] = []): Data =>
    new Data<DataType>(
      type,
      0,
      ranges.length,
      nulls,
      [offsets, values, bitmap, undefined] as never,
      children,
      data.dictionary,
      data.variadicBuffers,
    );
  switch (type.typeId) {
    case Type.Null:
      return new Data<DataType>(type, 0, ranges.length, ranges.length);
    case Type.Bool:
      return make(undefined, takeBits(data.values, data.offset, ranges).bits);
    case Type.Utf8:
    case Type.LargeUtf8:
    case Type.Binary:
    case Type.LargeBinary: {
      const { offsets, inner } = takeOffsets(data, ranges);
      return make(offsets, copyElements(data.values, 1, inner));
    }
    case Type.List:
    case Type.LargeList:
    case Type.Map: {
      const { offsets, inner } = takeOffsets(data, ranges);
      return make(offsets, undefined, [takeData(data.children[0]!, inner)]);
    }
    case Type.Struct:
      return make(
        undefined,
        undefined,
        data.children.map((child) => takeData(child, ranges)),
      );
    case Type.FixedSizeList:
      return make(undefined, undefined, [takeData(data.children[0]!, scaleRanges(ranges, data.stride))]);
    case Type.Union:
      throw new AlignflowError({
        what: `a column has the type ${type}, whose rows cannot be selected`,
        fix: 'convert the column to one type before alignflow reads it',
      });
    default:
      return make(undefined, copyElements(data.values, data.stride, ranges));
  }
}

/** The typed arrays that Arrow keeps values in. */
type Values = Exclude<NodeJS.TypedArray, Uint8ClampedArray>;

/** Copies runs of elements of `stride` array entries each. */
function copyElements(values: Values, stride: number, ranges: Ranges): Values {
  const words = asWords(values);
  const size = stride * (words.values.length / values.length || 1);
  const target = new words.ArrayType(ranges.length * size);
  copyRuns(words.values, target, size, ranges);
  return words.restore(target);
}

/** The same memory as 1, 2 or 4-byte unsigned words: three kinds of array keep the copying loop fast, and bits are kept. */
function asWords(values: Values): {
  readonly values: Words;
  readonly ArrayType: new (length: number) => Words;
  readonly restore: (words: Words) => Values;
} {
  const Original = values.constructor as new (buffer: ArrayBufferLike) => Values;
  const { buffer, byteOffset, byteLength, BYTES_PER_ELEMENT: width } = values;
  if (width === 1) {
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    const plain = values instanceof Uint8Array;
    return { values: bytes, ArrayType: Uint8Array, restore: (words) => (plain ? words : new Original(words.buffer)) };
  }
  const restore = (words: Words): Values => new Original(words.buffer);
  if (width === 2)
    return { values: new Uint16Array(buffer, byteOffset, byteLength / 2), ArrayType: Uint16Array, restore };
  return { values: new Uint32Array(buffer, byteOffset, byteLength / 4), ArrayType: Uint32Array, restore };
}

type Words = Uint8Array | Uint16Array | Uint32Array;

/** Short runs are copied word by word, which is faster than a view for each. */
const SHORT = 48;

function copyRuns(source: Words, target: Words, size: number, { starts, ends, count }: Ranges): void {
  let to = 0;
  for (let run = 0; run < count; run++) {
    let from = starts[run]! * size;
    const end = ends[run]! * size;
    if (end - from > SHORT) {
      target.set(source.subarray(from, end), to);
      to += end - from;
    } else while (from < end) target[to++] = source[from++]!;
  }
}

function takeOffsets(data: Data, { starts, ends, count, length }: Ranges): { offsets: unknown; inner: Ranges } {
  const source = readOffsets(data.valueOffsets, data.length);
  const offsets = new Float64Array(length + 1);
  const innerStarts = new Uint32Array(count);
  const innerEnds = new Uint32Array(count);
  let sum = 0;
  let to = 1;
  for (let run = 0; run < count; run++) {
    const begin = source[starts[run]!]!;
    for (let row = starts[run]! + 1; row <= ends[run]!; row++) offsets[to++] = sum + source[row]! - begin;
    const end = source[ends[run]!]!;
    sum += end - begin;
    innerStarts[run] = begin;
    innerEnds[run] = end;
  }
  const wide = !(data.valueOffsets instanceof Int32Array);
  return { offsets: writeOffsets(offsets, wide), inner: { starts: innerStarts, ends: innerEnds, count, length: sum } };
}

function takeValidity(data: Data, ranges: Ranges): { bitmap: Uint8Array; nulls: number } {
  if (data.nullCount <= 0 || data.nullBitmap === undefined) return { bitmap: new Uint8Array(0), nulls: 0 };
  const { bits, set } = takeBits(data.nullBitmap, data.offset, ranges);
  return set === ranges.length ? { bitmap: new Uint8Array(0), nulls: 0 } : { bitmap: bits, nulls: ranges.length - set };
}

function takeBits(source: Uint8Array, offset: number, { starts, ends, count, length }: Ranges) {
  const bits = new Uint8Array(bitmapBytes(length));
  let to = 0;
  let set = 0;
  for (let run = 0; run < count; run++) {
    const size = ends[run]! - starts[run]!;
    set += copyBits(source, offset + starts[run]!, bits, to, size);
    to += size;
  }
  return { bits, set };
}
