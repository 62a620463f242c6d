import { AlignflowError } from '../errors.js';

/** Where the values of rows begin, row by row and one more; as numbers, whatever the width in the column. */
export type Offsets = Int32Array | Float64Array;

const MOST = 2 ** 31 - 1;

/** The offsets of a column with values of any length; `length + 1` of them, also where an empty column has none. */
export function readOffsets(valueOffsets: Int32Array | BigInt64Array, length: number): Offsets {
  if (length === 0) return valueOffsets.length === 0 ? new Int32Array(1) : readWide(valueOffsets, 1);
  return readWide(valueOffsets, length + 1);
}

/** Offsets as a column of 32-bit or 64-bit offsets keeps them. Throws where 32 bits are too few. */
export function writeOffsets(offsets: Float64Array, wide: boolean): Int32Array | BigInt64Array {
  if (!wide) {
    if (offsets[offsets.length - 1]! > MOST) {
      throw new AlignflowError({
        what: 'a column of one batch would have more than 2 GiB of values',
        fix: 'use fewer rows in a batch, or a large_utf8, large_binary or large_list column',
      });
    }
    return Int32Array.from(offsets);
  }
  const words = new Uint32Array(offsets.length * 2);
  for (let i = 0; i < offsets.length; i++) {
    words[2 * i] = offsets[i]! % 4294967296;
    words[2 * i + 1] = offsets[i]! / 4294967296;
  }
  return new BigInt64Array(words.buffer);
}

function readWide(offsets: Int32Array | BigInt64Array, count: number): Offsets {
  if (offsets instanceof Int32Array) return offsets.subarray(0, count);
  const words = new Uint32Array(offsets.buffer, offsets.byteOffset, count * 2);
  const numbers = new Float64Array(count);
  for (let i = 0; i < count; i++) numbers[i] = words[2 * i]! + words[2 * i + 1]! * 4294967296;
  return numbers;
}
