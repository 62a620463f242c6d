import { UNITS } from '../manifest/units.js';
import { describeSchema, writtenDefault } from './describe-schema.js';
import type { JsonSchema } from './json-schema.js';

/**
 * JSON Schema as editors read it: draft-07, with the keywords of VS Code's language servers. Beside what `check` accepts of
 * a value, `${variable}` may stand in its place.
 */
export interface EditorSchema {
  readonly $schema?: string;
  readonly $ref?: string;
  readonly title?: string;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly pattern?: string;
  /** What an editor says of a text that does not match `pattern`. */
  readonly patternErrorMessage?: string;
  /** Nothing of it is proposed. */
  readonly doNotSuggest?: true;
  readonly items?: EditorSchema;
  readonly properties?: Readonly<Record<string, EditorSchema | false>>;
  readonly additionalProperties?: EditorSchema | boolean;
  readonly required?: readonly string[];
  readonly minProperties?: number;
  readonly anyOf?: readonly EditorSchema[];
  readonly allOf?: readonly EditorSchema[];
  readonly if?: EditorSchema;
  readonly then?: EditorSchema;
  readonly else?: EditorSchema;
  readonly definitions?: Readonly<Record<string, EditorSchema>>;
}

/** A text with a variable in it, which may become any value. */
const VARIABLE = '\\$\\{';

/** A variable in the place of a value. */
export const variable: EditorSchema = { type: 'string', pattern: VARIABLE };

/** The fields of an options interface, each with its documentation, what it takes and its default as hover text. */
export function editorProperties(properties: Readonly<Record<string, JsonSchema>>): Record<string, EditorSchema> {
  return Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, propertySchema(property)]));
}

function propertySchema(schema: JsonSchema): EditorSchema {
  const preset = writtenDefault(schema);
  const unlessGiven = preset === undefined ? '' : `; ${JSON.stringify(preset)} unless given`;
  const takes = `Takes ${describeSchema(schema)}${unlessGiven}.`;
  return {
    description: schema.description === undefined ? takes : `${schema.description}\n\n${takes}`,
    ...valueSchema(schema),
    ...(preset === undefined ? {} : { default: preset }),
  };
}

function valueSchema(schema: JsonSchema): EditorSchema {
  const { type, anyOf, enum: constants, items, properties, additionalProperties: values } = schema;
  if (anyOf !== undefined) return { anyOf: [...anyOf.map(valueSchema), variable] };
  if (constants !== undefined) return { anyOf: [{ enum: constants }, variable] };
  if (type === 'string') return { type };
  const patternErrorMessage = `Expected ${describeSchema(schema)}, or \${variable}.`;
  const orVariable = { pattern: VARIABLE, patternErrorMessage };
  if (type === 'boolean') return { type: ['boolean', 'string'], ...orVariable };
  if (type === 'array') return { type: ['array', 'string'], items: valueSchema(items ?? {}), ...orVariable };
  if (type === 'object')
    return {
      type: ['object', 'string'],
      ...orVariable,
      ...(properties === undefined ? {} : { properties: editorProperties(properties) }),
      additionalProperties: values === undefined || values === false ? values !== false : valueSchema(values),
    };
  return { ...numberSchema(schema), patternErrorMessage };
}

function numberSchema(schema: JsonSchema): EditorSchema {
  const { unit, minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
  const bounds = { minimum, maximum, exclusiveMinimum, exclusiveMaximum };
  const given = Object.fromEntries(Object.entries(bounds).filter(([, bound]) => bound !== undefined));
  return {
    type: [schema.type === 'integer' ? 'integer' : 'number', 'string'],
    ...given,
    pattern: unit === undefined ? VARIABLE : `${VARIABLE}|${UNITS[unit].pattern}`,
  };
}
