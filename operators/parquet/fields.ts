/** Fields of Thrift's structs, by number; each throws an `Error` for one that is missing or of another kind. */
import { THRIFT, type ThriftField, type ThriftList, type ThriftStruct } from './thrift.js';

const decoder = new TextDecoder();

export function text(struct: ThriftStruct, id: number): string {
  const value = struct.get(id)?.value;
  if (!(value instanceof Uint8Array)) throw new Error(`field ${id} of its metadata is missing or wrong`);
  return decoder.decode(value);
}

export function number(struct: ThriftStruct, id: number): number {
  const value = struct.get(id)?.value;
  if (typeof value !== 'number' || value < 0) throw new Error(`field ${id} of its metadata is missing or wrong`);
  return value;
}

function list(struct: ThriftStruct, id: number): ThriftList {
  const value = struct.get(id)?.value;
  if (typeof value !== 'object' || !('values' in value) || !('element' in value)) {
    throw new Error(`field ${id} of its metadata is missing or wrong`);
  }
  return value;
}

/** A list of texts. */
export function texts(struct: ThriftStruct, id: number): readonly string[] {
  return list(struct, id).values.map((value) => decoder.decode(value as Uint8Array));
}

export function structs(struct: ThriftStruct, id: number): readonly ThriftStruct[] {
  const { element, values } = list(struct, id);
  if (element !== THRIFT.struct) throw new Error(`field ${id} of its metadata is wrong`);
  return values as readonly ThriftStruct[];
}

/** A field that is a struct. */
export function struct(parent: ThriftStruct, id: number): ThriftStruct {
  const value = parent.get(id)?.value;
  if (!(value instanceof Map)) throw new Error(`field ${id} of its metadata is missing or wrong`);
  return value;
}

/** A list of structs, to be set as a field. */
export function structList(values: readonly ThriftStruct[]): ThriftField {
  return { type: THRIFT.list, value: { element: THRIFT.struct, values } };
}
