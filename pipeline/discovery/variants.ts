import type { JsonSchema } from './json-schema.js';

/** Maps of several kinds that one field tells apart: `{ name: sgd, momentum: 0.9 }` or `{ name: adamw, beta1: 0.9 }`. */
export interface Variants {
  /** The field: `name`. */
  readonly key: string;
  /** The schema of each kind, by the field's value. */
  readonly members: ReadonlyMap<string | number | boolean, JsonSchema>;
}

/** The kinds of a union of maps that each have one constant in the same field; undefined for any other schema. */
export function variantsOf({ anyOf }: JsonSchema): Variants | undefined {
  const keys = Object.keys(anyOf?.[0]?.properties ?? {});
  for (const key of keys) {
    const members = new Map(
      anyOf?.flatMap((member) => constantOf(member, key).map((value) => [value, member] as const)),
    );
    if (members.size === anyOf?.length) return { key, members };
  }
  return undefined;
}

/** The one value that a field of a map must have; none where it may have several, or be missing. */
function constantOf({ properties, required }: JsonSchema, key: string): readonly (string | number | boolean)[] {
  const values = properties?.[key]?.enum ?? [];
  return values.length === 1 && required?.includes(key) === true ? values : [];
}
