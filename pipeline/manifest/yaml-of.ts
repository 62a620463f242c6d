import { stringify } from 'yaml';
import { LIMITS } from './parse.js';
import type { Report } from './problem.js';

/** A manifest as a value, for programs: what its YAML would say. */
export type ManifestValue = Readonly<Record<string, unknown>>;

/**
 * The YAML of a manifest that a program gives as a value. What no YAML can say is reported, by its path in the value, and
 * undefined comes back.
 *
 * @param file what problems call it
 */
export function yamlOf(given: ManifestValue, file: string, report: Report): string | undefined {
  const at = { file, line: 1, column: 1, length: 1, text: '' };
  const expected = 'texts, numbers, true or false, null, lists and maps';
  const seen = new Set<unknown>();
  let right = true;
  const look = (value: unknown, path: readonly string[], around: readonly unknown[]): void => {
    const wrong = whatIsWrong(value, around);
    if (wrong !== undefined) {
      right = false;
      report({ code: 'type', message: `${path.join('.') || 'the manifest'} ${wrong}`, at, expected });
      return;
    }
    if (typeof value !== 'object' || value === null || seen.has(value)) return;
    for (const [key, inner] of Object.entries(value)) look(inner, [...path, key], [...around, value]);
    seen.add(value);
  };
  look(given, [], []);
  return right ? stringify(given) : undefined;
}

function whatIsWrong(value: unknown, around: readonly unknown[]): string | undefined {
  if (typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint')
    return `is a ${typeof value}`;
  if (typeof value !== 'object' || value === null) return undefined;
  if (around.includes(value)) return 'contains itself';
  return around.length > LIMITS.depth ? `is nested more than ${LIMITS.depth} deep` : undefined;
}
