import type { Schema } from 'apache-arrow';

/** What is wrong with the first column that is not as it was declared, in name, type or place; undefined for none. */
export function undeclaredColumn(actual: Schema, declared: Schema): string | undefined {
  for (const { name, type } of declared.fields) {
    const found = actual.fields.find((field) => field.name === name);
    if (found === undefined) return `no column ${name}`;
    if (String(found.type) !== String(type)) return `column ${name} as ${found.type}, not ${type}`;
  }
  const more = actual.fields.find(({ name }) => !declared.fields.some((field) => field.name === name));
  if (more !== undefined) return `a column ${more.name} that was not declared`;
  const moved = actual.fields.findIndex(({ name }, i) => name !== declared.fields[i]!.name);
  return moved < 0 ? undefined : `column ${actual.fields[moved]!.name} in another place than declared`;
}
