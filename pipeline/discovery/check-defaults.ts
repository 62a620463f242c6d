import type { Node } from 'ts-morph';
import { describeSchema } from './describe-schema.js';
import { isWithin, type JsonSchema } from './json-schema.js';
import { objectParts, Unreadable } from './literal.js';

/** Throws `Unreadable` at a default that a manifest could not give its option, but for infinity. Nested objects may leave fields out. */
export function checkDefaults(node: Node, defaults: Readonly<Record<string, unknown>>, schema: JsonSchema): void {
  for (const [name, value] of Object.entries(defaults)) {
    const option = schema.properties?.[name];
    const at = () => objectParts(node).get(name) ?? node;
    if (option === undefined) throw new Unreadable(at(), `there is no option ${name}, which has a default`);
    if (!fits(value, option))
      throw new Unreadable(
        at(),
        `the default of ${name} is ${JSON.stringify(value)}, and the option is ${describeSchema(option)}`,
      );
  }
}

function fits(value: unknown, schema: JsonSchema): boolean {
  const { anyOf, enum: constants, type, items, properties, additionalProperties: others } = schema;
  if (anyOf !== undefined) return anyOf.some((member) => fits(value, member));
  if (constants !== undefined) return (constants as readonly unknown[]).includes(value);
  if (type === 'array') return Array.isArray(value) && value.every((item) => fits(item, items ?? {}));
  if (type === 'string' || type === 'boolean') return typeof value === type;
  // A manifest has no infinite numbers, but that there is no limit is a good default.
  if (type !== 'object')
    return typeof value === 'number' && (Math.abs(value) === Number.POSITIVE_INFINITY || isWithin(value, schema));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(([key, inner]) => {
    const field = properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : others || undefined;
    return field !== undefined && fits(inner, field);
  });
}
