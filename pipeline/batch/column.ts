import { type DataType, type RecordBatch, Type, type Vector } from 'apache-arrow';
import { AlignflowError } from '../errors.js';
import { findField } from './columns.js';

/** A type of Arrow, as a class: `Utf8`, `Int32`. */
export type TypeClass<T extends DataType> = new (...args: never[]) => T;

/**
 * A column of a batch, typed. A column of another type, or none of this name, is an error that names both. `Int32` also
 * takes what a file calls a signed integer of 32 bits, and so on for each width of integers and floats.
 */
export function readColumn<T extends DataType>(batch: RecordBatch, name: string, type: TypeClass<T>): Vector<T> {
  const column = findColumn(batch, name);
  if (isOfType(column.type, type)) return column as Vector<T>;
  throw new AlignflowError({ what: `the column "${name}" has the type ${column.type}`, expected: typeName(type) });
}

/** A column of a batch, of any type. Throws where there is none of this name. */
export function findColumn(batch: RecordBatch, name: string): Vector<DataType> {
  findField(batch.schema, name);
  return batch.getChild(name) as Vector<DataType>;
}

/** Whether a type is of a class, or the plain `Int` or `Float` that a reader makes of the same width. */
export function isOfType<T extends DataType>(type: DataType, wanted: TypeClass<T>): type is T {
  if (type instanceof wanted) return true;
  return (type.typeId === Type.Int || type.typeId === Type.Float) && type.toString() === wanted.name;
}

/** Whether two types are the same, names and types of their children included. Dictionaries may have other ids. */
export function sameType(a: DataType, b: DataType): boolean {
  return a.typeId === b.typeId && a.toString() === b.toString();
}

function typeName(type: TypeClass<DataType>): string {
  return type.name.replace(/_$/, '');
}
