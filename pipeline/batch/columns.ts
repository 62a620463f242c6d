import { Data, type Field, type RecordBatch, Schema, type Vector } from 'apache-arrow';
import { AlignflowError } from '../errors.js';
import { concatData } from './concat.js';
import { ORIGIN } from './origin.js';
import { batchFrom } from './select.js';

/** The batch with one more column; a column of the same name is replaced where it stands. `data` has a value for each row. */
export function withColumn(batch: RecordBatch, field: Field, data: Vector | Data): RecordBatch {
  const column = data instanceof Data ? data : concatData(data.data);
  if (column.length !== batch.numRows) {
    throw new AlignflowError({
      what: `the column "${field.name}" has ${column.length} values in a batch of ${batch.numRows} rows`,
      expected: 'a value for each row, or null',
    });
  }
  const schema = withField(batch.schema, field);
  const at = batch.schema.fields.findIndex(({ name }) => name === field.name);
  const columns = [...batch.data.children];
  columns[at < 0 ? columns.length : at] = column;
  return batchFrom(schema, columns, batch.numRows, batch.metadata);
}

/** The batch without these columns; every one must exist. The hidden column stays. */
export function withoutColumns(batch: RecordBatch, names: readonly string[]): RecordBatch {
  return pick(batch, withoutFields(batch.schema, names));
}

/** The batch with only these columns, in this order, and the hidden column last. */
export function selectColumns(batch: RecordBatch, names: readonly string[]): RecordBatch {
  return pick(batch, selectFields(batch.schema, names));
}

/** The schema with one more field; a field of the same name is replaced where it stands. */
export function withField(schema: Schema, field: Field): Schema {
  if (field.name === ORIGIN) {
    throw new AlignflowError({
      what: `the column name "${ORIGIN}" is alignflow's own`,
      fix: 'give the column another name',
    });
  }
  const at = schema.fields.findIndex(({ name }) => name === field.name);
  const fields: Field[] = [...schema.fields];
  fields[at < 0 ? fields.length : at] = field;
  return new Schema(fields, schema.metadata);
}

/** The schema without these fields; every one must exist. The hidden column stays. */
export function withoutFields(schema: Schema, names: readonly string[]): Schema {
  for (const name of names) findField(schema, name);
  const fields = schema.fields.filter(({ name }) => name === ORIGIN || !names.includes(name));
  return new Schema(fields, schema.metadata);
}

/** The schema with only these fields, in this order, and the hidden column last. */
export function selectFields(schema: Schema, names: readonly string[]): Schema {
  const fields = names.filter((name) => name !== ORIGIN).map((name) => findField(schema, name));
  const hidden = schema.fields.filter(({ name }) => name === ORIGIN);
  return new Schema([...fields, ...hidden], schema.metadata);
}

/** A field of a schema, by name. Throws where there is none. */
export function findField(schema: Schema, name: string): Field {
  const field = schema.fields.find((candidate) => candidate.name === name);
  if (field !== undefined) return field;
  const visible = schema.fields.map((candidate) => candidate.name).filter((candidate) => candidate !== ORIGIN);
  throw new AlignflowError({ what: `there is no column "${name}"`, expected: `one of: ${visible.join(', ')}` });
}

function pick(batch: RecordBatch, schema: Schema): RecordBatch {
  const place = new Map(batch.schema.fields.map(({ name }, i) => [name, i]));
  const columns = schema.fields.map(({ name }) => batch.data.children[place.get(name)!]!);
  return batchFrom(schema, columns, batch.numRows, batch.metadata);
}
