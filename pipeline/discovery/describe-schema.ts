import { UNITS, writeUnit } from '../manifest/units.js';
import type { JsonSchema } from './json-schema.js';
import { variantsOf } from './variants.js';

/** True for the schema of a map: an interface or a `Record`. */
export function isObject(schema: JsonSchema): boolean {
  return schema.type === 'object';
}

/** What a schema takes, in words: `a number from 0 to 1`, `one of tiny, small`, `a list of texts`. */
export function describeSchema(schema: JsonSchema): string {
  const { anyOf, enum: constants, type, items, properties, additionalProperties: values } = schema;
  const variants = variantsOf(schema);
  if (variants !== undefined) return `a map, by its ${variants.key}: ${[...variants.members.keys()].join(', ')}`;
  if (anyOf !== undefined) return anyOf.map(describeSchema).join(', or ');
  if (constants !== undefined) return constants.length === 1 ? `${constants[0]}` : `one of ${constants.join(', ')}`;
  if (type === 'string') return 'a text';
  if (type === 'boolean') return 'true or false';
  if (type === 'array') return `a list, each ${describeSchema(items ?? {})}`;
  if (type !== 'object') return describeNumber(schema);
  if (properties !== undefined) return `a map of ${Object.keys(properties).join(', ')}`;
  return values === undefined || values === false ? 'a map' : `a map, each value ${describeSchema(values)}`;
}

function describeNumber(schema: JsonSchema): string {
  const { unit } = schema;
  const kind = schema.type === 'integer' ? 'a whole number' : 'a number';
  const subject = unit === undefined ? kind : `${UNITS[unit].counts}, like ${UNITS[unit].examples}`;
  const range = describeRange(schema);
  return range === '' ? subject : `${subject}${unit === undefined ? ' ' : '; '}${range}`;
}

/** The bounds of a number in words: `from 0 to 1`, `more than 0`; empty without bounds. */
export function describeRange({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: JsonSchema): string {
  if (minimum !== undefined && maximum !== undefined) return `from ${minimum} to ${maximum}`;
  const low =
    minimum !== undefined
      ? `at least ${minimum}`
      : exclusiveMinimum !== undefined
        ? `more than ${exclusiveMinimum}`
        : '';
  const high =
    maximum !== undefined
      ? `at most ${maximum}`
      : exclusiveMaximum !== undefined
        ? `less than ${exclusiveMaximum}`
        : '';
  return [low, high].filter((part) => part !== '').join(', ');
}

/** A default as a manifest would have it: with its unit, where it has one. */
export function writtenDefault({ default: value, unit }: JsonSchema): unknown {
  return unit !== undefined && typeof value === 'number' ? writeUnit(value, unit) : value;
}
