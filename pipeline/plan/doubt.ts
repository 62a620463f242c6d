/** Options that are wrong or missing, as operators and stages are asked with them: who looks at one is known to have done so. */
import type { JsonSchema } from '../discovery/json-schema.js';
import { isWithin } from '../discovery/json-schema.js';

/** In place of a value that is wrong or missing: what it may have been meant to be. */
export class Doubt {
  /** One of the values, or none where there are too many to tell. */
  readonly guess: unknown;

  constructor(guess: unknown) {
    this.guess = guess;
  }
}

/** What was looked at of options in doubt. */
export interface Looks {
  /** How often one was, whose value is a guess. */
  guessed: number;
  /** How often one was of which nothing is known. */
  unknown: number;
}

/** How many guesses of all options in doubt there are at most. */
const MOST = 16;

/** Takes one guess of each option in doubt. */
export class Guesses {
  readonly looks: Looks = { guessed: 0, unknown: 0 };
  private readonly choice: number;
  /** How many there are. */
  count = 1;

  /** @param choice which of them, from 0 */
  constructor(choice: number) {
    this.choice = choice;
  }

  /** For a value of which only the schema is known, and its default. */
  of(schema: JsonSchema, fallback: unknown): Doubt {
    const values = able(schema, fallback);
    if (values.length === 0 || this.count * values.length > MOST) return new Doubt(undefined);
    const value = values[Math.floor(this.choice / this.count) % values.length];
    this.count *= values.length;
    return new Doubt(value);
  }

  /** An object or a list with the values of `entries`; looking at one in doubt counts, and throws where nothing is known of it. */
  fill<T extends object>(into: T, entries: Iterable<readonly [string | number, unknown]>): T {
    const { looks } = this;
    for (const [key, value] of entries) {
      const set = (other: unknown) =>
        Object.defineProperty(into, key, { value: other, writable: true, enumerable: true, configurable: true });
      if (!(value instanceof Doubt)) {
        set(value);
        continue;
      }
      const get = () => {
        if (value.guess === undefined) {
          looks.unknown++;
          throw new Error(`the option ${key} is wrong`);
        }
        looks.guessed++;
        return value.guess;
      };
      Object.defineProperty(into, key, { get, set, enumerable: true, configurable: true });
    }
    return into;
  }
}

/**
 * The values that one may have been meant to have: all of a few, or numbers that are far apart, so that what all of them lead to does
 * not depend on them. None for texts, lists and maps, which may be anything.
 */
function able(schema: JsonSchema, fallback: unknown): readonly unknown[] {
  const { anyOf, enum: constants, type, minimum = 0, maximum = minimum } = schema;
  if (constants !== undefined) return constants;
  if (type === 'boolean') return [true, false];
  if (anyOf !== undefined || type === 'string' || type === 'array' || type === 'object') return [];
  const numbers = [fallback, 1, 64, 0.5, 1000, minimum, maximum, minimum + 1, 0.25];
  const right = numbers.filter((value) => typeof value === 'number' && isWithin(value, schema));
  return [...new Set(right)].slice(0, 4);
}

/** Looks at all that an answer holds: it may hold options, which others would look at. */
export function lookAtAll(answer: unknown, seen = new Set<unknown>()): void {
  if (typeof answer !== 'object' || answer === null || seen.has(answer)) return;
  seen.add(answer);
  if (Array.isArray(answer) || Object.getPrototypeOf(answer) === Object.prototype)
    for (const value of Object.values(answer)) lookAtAll(value, seen);
}
