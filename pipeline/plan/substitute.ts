import { isObject } from '../discovery/describe-schema.js';
import { isWithin, type JsonSchema } from '../discovery/json-schema.js';

/**
 * A value that an option may have been meant to have, in place of one that is wrong or missing: its default at first, and another for
 * each `choice`, from 0, as far as its schema allows more than one.
 */
export function substitute(schema: JsonSchema, fallback: unknown, choice: number): unknown {
  if (fallback === undefined) return anyValue(schema, choice);
  return choice === 0 ? fallback : anyValue(schema, choice - 1);
}

function anyValue(schema: JsonSchema, choice: number): unknown {
  const { anyOf, enum: constants, type, items, properties = {}, required = [] } = schema;
  if (anyOf !== undefined) return anyValue(anyOf[choice % anyOf.length]!, choice);
  if (constants !== undefined) return constants[choice % constants.length];
  if (isObject(schema)) {
    return Object.fromEntries(required.map((key) => [key, anyValue(properties[key] ?? {}, choice)]));
  }
  if (type === 'array') return choice === 0 ? [] : [anyValue(items ?? {}, choice)];
  if (type === 'boolean') return choice % 2 === 0;
  // No column, folder or name is called so, so that what it leads to differs from choice to choice.
  if (type === 'string') return `(option ${choice})`;
  return anyNumber(schema, choice);
}

function anyNumber(schema: JsonSchema, choice: number): number | undefined {
  const { minimum = 0, maximum = minimum + 8 } = schema;
  const able = [1, 2, 3, 4, 0.5, 0.25, minimum, minimum + 1, maximum].filter((value) => isWithin(value, schema));
  return able[choice % Math.max(1, able.length)];
}
