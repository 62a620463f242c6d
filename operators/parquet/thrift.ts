/**
 * Thrift's compact protocol, as far as Parquet's footer uses it: a struct becomes a map from field id to value, and goes
 * back to bytes with every field that was read, known or not.
 *
 * Source of the encoding: thrift/doc/specs/thrift-compact-protocol.md.
 */

/** Types of fields and list elements, as the protocol numbers them. */
export const THRIFT = {
  true: 1,
  false: 2,
  i8: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  struct: 12,
} as const;

/** A list with the type of its elements. */
export interface ThriftList {
  readonly element: number;
  readonly values: readonly ThriftValue[];
}

/** A field with its type. */
export interface ThriftField {
  readonly type: number;
  readonly value: ThriftValue;
}

/** Fields by id. Integers of all widths are numbers: Parquet's are counts, sizes and offsets, below 2^52. */
export type ThriftStruct = ReadonlyMap<number, ThriftField>;
export type ThriftValue = boolean | number | Uint8Array | ThriftList | ThriftStruct;

const MAX_DEPTH = 32;

/** The bytes end within the struct: it may go on behind them. */
export class ThriftEnd extends Error {}

/** Reads one struct from the start of `bytes`. Throws an `Error` for bytes that are none. */
export function readThrift(bytes: Uint8Array): ThriftStruct {
  return readThriftStart(bytes).struct;
}

/** Like `readThrift`, for bytes that go on behind the struct: says how many it takes too. */
export function readThriftStart(bytes: Uint8Array): { readonly struct: ThriftStruct; readonly length: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;

  const byte = (): number => {
    const value = bytes[at++];
    if (value === undefined) throw new ThriftEnd('the metadata ends too early');
    return value;
  };
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const part = byte();
      value += (part & 127) * scale;
      if (part < 128) break;
      if (scale > 2 ** 56) throw new Error('a number in the metadata is too long');
    }
    return value;
  };
  const integer = (): number => {
    const raw = varint();
    if (raw > Number.MAX_SAFE_INTEGER) throw new Error('a number in the metadata is larger than 2^52');
    return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
  };
  const binary = (): Uint8Array => {
    const length = varint();
    if (length > bytes.length - at) throw new ThriftEnd('a text in the metadata is longer than the metadata');
    at += length;
    return bytes.subarray(at - length, at);
  };
  const list = (depth: number): ThriftList => {
    const header = byte();
    const element = header & 15;
    const length = header >> 4 === 15 ? varint() : header >> 4;
    if (length > bytes.length - at) throw new ThriftEnd('a list in the metadata is longer than the metadata');
    return { element, values: Array.from({ length }, () => (element <= 2 ? byte() === 1 : read(element, depth))) };
  };
  const struct = (depth: number): ThriftStruct => {
    const fields = new Map<number, ThriftField>();
    for (let id = 0; ; ) {
      const header = byte();
      if (header === 0) return fields;
      id = header >> 4 === 0 ? integer() : id + (header >> 4);
      const type = header & 15;
      fields.set(id, { type, value: read(type, depth) });
    }
  };
  const read = (type: number, depth: number): ThriftValue => {
    if (depth > MAX_DEPTH) throw new Error('the metadata is nested too deeply');
    switch (type) {
      case THRIFT.true:
      case THRIFT.false:
        return type === THRIFT.true;
      case THRIFT.i8:
        return byte();
      case THRIFT.i16:
      case THRIFT.i32:
      case THRIFT.i64:
        return integer();
      case THRIFT.double:
        if (at + 8 > bytes.length) throw new ThriftEnd('the metadata ends too early');
        at += 8;
        return view.getFloat64(at - 8, true);
      case THRIFT.binary:
        return binary();
      case THRIFT.list:
        return list(depth + 1);
      case THRIFT.struct:
        return struct(depth + 1);
      default:
        throw new Error(`the metadata has a value of the unknown type ${type}`);
    }
  };
  const value = struct(0);
  return { struct: value, length: at };
}

/** The bytes of one struct. */
export function writeThrift(value: ThriftStruct): Uint8Array {
  const out: number[] = [];
  const varint = (number: number): void => {
    let rest = number;
    while (rest >= 128) {
      out.push((rest % 128) | 128);
      rest = Math.floor(rest / 128);
    }
    out.push(rest);
  };
  const integer = (number: number): void => varint(number < 0 ? -2 * number - 1 : 2 * number);
  const struct = (fields: ThriftStruct): void => {
    let last = 0;
    for (const [id, field] of [...fields].sort(([a], [b]) => a - b)) {
      const delta = id - last;
      if (delta >= 1 && delta <= 15) out.push((delta << 4) | field.type);
      else {
        out.push(field.type);
        integer(id);
      }
      write(field.type, field.value);
      last = id;
    }
    out.push(0);
  };
  const write = (type: number, item: ThriftValue): void => {
    if (typeof item === 'boolean') return;
    if (typeof item === 'number') {
      if (type === THRIFT.i8) out.push(item & 255);
      else if (type === THRIFT.double) out.push(...new Uint8Array(new Float64Array([item]).buffer));
      else integer(item);
    } else if (item instanceof Uint8Array) {
      varint(item.length);
      for (const byte of item) out.push(byte);
    } else if (item instanceof Map) struct(item);
    else list(item as ThriftList);
  };
  const list = ({ element, values }: ThriftList): void => {
    if (values.length < 15) out.push((values.length << 4) | element);
    else {
      out.push(0xf0 | element);
      varint(values.length);
    }
    for (const item of values) {
      if (typeof item === 'boolean') out.push(item ? 1 : 2);
      else write(element, item);
    }
  };
  struct(value);
  return Uint8Array.from(out);
}
