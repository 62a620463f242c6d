import { AlignflowError } from '../../pipeline/errors.js';

/** Bits of one element, for each dtype of the format (`Dtype` in `safetensors/src/tensor.rs`) with whole bytes. */
export const elementBits = {
  BOOL: 8,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  I64: 64,
  U64: 64,
  F64: 64,
  C64: 64,
} as const;

/** A dtype of the format. */
export type SafetensorsDtype = keyof typeof elementBits;

/** Values as tensors of tfjs take them. */
export type TensorValues = Float32Array | Int32Array;

/**
 * Little-endian elements as float32 or int32: floats of all lengths but 8 bits become float32, whole numbers and booleans
 * int32. Throws for a number that does not fit in int32, and for dtypes that no model of ours has.
 *
 * @param bytes the whole tensor; its memory may be used for the result
 */
export function decodeValues(dtype: SafetensorsDtype, bytes: Uint8Array<ArrayBuffer>): TensorValues {
  const count = (bytes.length * 8) / elementBits[dtype];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  switch (dtype) {
    case 'F32':
      return new Float32Array(bytes.buffer, bytes.byteOffset, count);
    case 'I32':
      return new Int32Array(bytes.buffer, bytes.byteOffset, count);
    case 'F64':
      return Float32Array.from({ length: count }, (_, i) => view.getFloat64(8 * i, true));
    case 'BF16':
      return bfloat16(new Uint16Array(bytes.buffer, bytes.byteOffset, count));
    case 'F16':
      return float16(new Uint16Array(bytes.buffer, bytes.byteOffset, count));
    case 'I64':
      return whole(count, dtype, (i) => Number(view.getBigInt64(8 * i, true)));
    case 'U64':
      return whole(count, dtype, (i) => Number(view.getBigUint64(8 * i, true)));
    case 'U32':
      return whole(count, dtype, (i) => view.getUint32(4 * i, true));
    case 'I16':
      return Int32Array.from(new Int16Array(bytes.buffer, bytes.byteOffset, count));
    case 'U16':
      return Int32Array.from(new Uint16Array(bytes.buffer, bytes.byteOffset, count));
    case 'I8':
      return Int32Array.from(new Int8Array(bytes.buffer, bytes.byteOffset, count));
    case 'U8':
    case 'BOOL':
      return Int32Array.from(bytes);
    default:
      throw new AlignflowError({
        what: `values of dtype ${dtype} cannot be read`,
        expected: 'F32, F16, BF16, F64, BOOL or whole numbers',
      });
  }
}

/** bfloat16 is the upper half of a float32. */
function bfloat16(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}

/**
 * IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits. Shifted into a float32, the exponent is 112 too small, which one
 * exact product mends, subnormals included; an exponent of all ones is infinity or NaN.
 */
function float16(halves: Uint16Array): Float32Array {
  const values = new Float32Array(halves.length);
  const bits = new Uint32Array(values.buffer);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i]!;
    const sign = (half & 0x8000) << 16;
    const rest = (half & 0x7fff) << 13;
    bits[i] = sign | rest;
    if ((half & 0x7c00) === 0x7c00) bits[i] = sign | 0x7f800000 | rest;
    else values[i]! *= 2 ** 112;
  }
  return values;
}

function whole(count: number, dtype: SafetensorsDtype, get: (i: number) => number): Int32Array {
  const values = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const value = get(i);
    values[i] = value;
    if (values[i] !== value) {
      throw new AlignflowError({
        what: `element ${i} is ${value}, which does not fit in int32`,
        expected: `${dtype} values from ${-(2 ** 31)} to ${2 ** 31 - 1}`,
      });
    }
  }
  return values;
}
