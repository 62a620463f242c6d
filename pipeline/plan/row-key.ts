import type { Schema } from 'apache-arrow';
import { KEYS } from '../batch/row-key.js';
import { nearestName } from '../manifest/nearest.js';
import type { Located } from '../manifest/position.js';
import type { Report } from '../manifest/problem.js';
import { acceptsType, typeName } from './columns.js';

/**
 * Checks that some rows have the column that names rows, and that it can name them wherever it is.
 *
 * @param schemas of all rows; undefined where a problem hides one, which may have the column
 */
export function checkKey(
  key: Located<string> | undefined,
  schemas: readonly (Schema | undefined)[],
  report: Report,
): void {
  if (key === undefined) return;
  const fields = schemas.flatMap((schema) => schema?.fields ?? []);
  const found = fields.filter(({ name }) => name === key.value);
  const { at } = key;
  if (found.length === 0) {
    if (schemas.includes(undefined)) return;
    const names = [...new Set(fields.map(({ name }) => name))];
    const nearest = nearestName(key.value, names);
    report({
      code: 'column',
      message: `no rows have the column ${key.value}, which is to name them`,
      at,
      expected: `one of the columns ${names.join(', ')}`,
      ...(nearest === undefined ? {} : { nearest }),
    });
    return;
  }
  const other = found.find(({ type }) => !KEYS.some((wanted) => acceptsType(wanted, type)));
  if (other === undefined) return;
  const message = `the column ${key.value}, which is to name rows, is ${typeName(other.type)}`;
  report({ code: 'column', message, at, expected: 'text or whole numbers' });
}
