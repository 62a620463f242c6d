import { DataType, Field, Null, Schema } from 'apache-arrow';
import type { Reads } from '../operator.js';
import { acceptsRead, typesOf } from './columns.js';

/** A schema as if all that is read of it were there: what fails on it fails for another reason than a wrong column. */
export interface Mended {
  readonly schema: Schema;
  /** False where a column is there whose type nobody can tell: what fails may fail for that. */
  readonly sure: boolean;
  /** A schema that was made from the mended one, with what is really there. */
  readonly real: (made: Schema) => Schema;
}

/** Puts the columns into a schema that are read and not there, and those of other types than are read in their place. */
export function mendSchema(schema: Schema, reads: Reads): Mended {
  const really = new Map(schema.fields.map((field) => [field.name, field]));
  const wrong = Object.entries(reads).filter(([column, wanted]) => {
    const field = really.get(column);
    return field === undefined || !acceptsRead(wanted, field.type);
  });
  if (wrong.length === 0) return { schema, sure: true, real: (made) => made };
  const types = new Map(wrong.map(([column, wanted]) => [column, typesOf(wanted).find(isWhole)]));
  const mended = new Map([...types].map(([column, type]) => [column, new Field(column, type ?? new Null(), true)]));
  const kept = schema.fields.map((field) => mended.get(field.name) ?? field);
  const added = [...mended.values()].filter(({ name }) => !really.has(name));
  return {
    schema: new Schema([...kept, ...added], schema.metadata),
    sure: [...types.values()].every((type) => type !== undefined),
    real: (made) =>
      new Schema(
        made.fields.flatMap((field) => (mended.get(field.name) === field ? (really.get(field.name) ?? []) : [field])),
        made.metadata,
      ),
  };
}

/** A `FixedSizeBinary(0)` stands for any width. */
function isWhole(type: DataType): boolean {
  return !DataType.isFixedSizeBinary(type) || type.byteWidth > 0;
}
