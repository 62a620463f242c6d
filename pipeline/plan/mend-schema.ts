import { DataType, Field, Null, Schema } from 'apache-arrow';
import type { Report } from '../manifest/problem.js';
import type { Reads } from '../operator.js';
import { acceptsRead, typesOf } from './columns.js';
import { callPart, type PartCall } from './parts.js';

/** A schema as if all that is read of it were there: what fails on it fails for another reason than a wrong column. */
export interface Mended {
  /** With each of the types that a wrong column might have had; the schema itself where nothing is wrong. */
  readonly schemas: readonly [Schema, ...Schema[]];
  /** False where nobody can tell the type of a column: what fails may fail for that. */
  readonly certain: boolean;
  /** A schema that was made from a mended one, with what is really there. */
  readonly real: (made: Schema) => Schema;
}

/** Puts the columns into a schema that are read and not there, and those of other types than are read in their place. */
export function mendSchema(schema: Schema, reads: Reads): Mended {
  const really = new Map(schema.fields.map((field) => [field.name, field]));
  const wrong = Object.entries(reads).filter(([column, wanted]) => {
    const field = really.get(column);
    return field === undefined || !acceptsRead(wanted, field.type);
  });
  if (wrong.length === 0) return { schemas: [schema], certain: true, real: (made) => made };
  const types = wrong.map(([column, wanted]) => [column, typesOf(wanted).filter(isWhole)] as const);
  const mended = new Set<Field>();
  const schemaOf = (choice: number): Schema => {
    const fields = new Map(
      types.map(([column, able]) => [column, new Field(column, able[choice] ?? able.at(-1) ?? new Null(), true)]),
    );
    for (const field of fields.values()) mended.add(field);
    const kept = schema.fields.map((field) => fields.get(field.name) ?? field);
    const added = [...fields.values()].filter(({ name }) => !really.has(name));
    return new Schema([...kept, ...added], schema.metadata);
  };
  const choices = Math.max(...types.map(([, able]) => able.length));
  return {
    schemas: [schemaOf(0), ...Array.from({ length: Math.max(0, choices - 1) }, (_, i) => schemaOf(i + 1))],
    certain: types.every(([, able]) => able.length > 0),
    real: (made) =>
      new Schema(
        made.fields.flatMap((field) => (mended.has(field) ? (really.get(field.name) ?? []) : [field])),
        made.metadata,
      ),
  };
}

/** Calls a function of a definition with a mended schema. It has failed where it fails for every type that a column might have had. */
export async function callMended<T>(
  { schemas, certain }: Mended,
  call: (schema: Schema) => T | Promise<T>,
  about: PartCall,
  report: Report,
): Promise<T | undefined> {
  for (const schema of schemas.slice(1)) {
    const made = await callPart(
      () => call(schema),
      about,
      () => {},
    );
    if (made !== undefined) return made;
  }
  return callPart(() => call(schemas[0]), { ...about, certain: certain && about.certain !== false }, report);
}

/** A `FixedSizeBinary(0)` stands for any width. */
function isWhole(type: DataType): boolean {
  return !DataType.isFixedSizeBinary(type) || type.byteWidth > 0;
}
