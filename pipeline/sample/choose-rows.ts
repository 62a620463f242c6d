import type { RowChoice } from '../graph/read-source.js';
import { createRandom, deriveSeed, permutation, type Random } from '../run/random.js';
import { totalRows, type Unit, unitKey } from '../source.js';

/** Units that a sample is spread over at least, where there are so many: rows of one file are more alike than others. */
const SPREAD = 16;

/** Some of the rows that there are to read. */
export interface RowSample extends RowChoice {
  /** Numbers of the units that it has rows of. */
  readonly units: readonly number[];
  /** Rows in it; undefined where a unit does not say how many it has, of which all are taken then. */
  readonly rows: number | undefined;
}

/**
 * About `rows` rows of some units, as many of each, both chosen by the seed: cluster sampling in two stages. The same units and seed give
 * the same sample; all rows are taken where there are no more.
 */
export function sampleRows(units: readonly Unit[], rows: number, seed: number): RowSample {
  const random = createRandom(deriveSeed(seed, 'sample'));
  const known = totalRows(units);
  const needed = known === undefined ? SPREAD : Math.max(SPREAD, Math.ceil((rows * units.length) / Math.max(1, known)));
  const numbers = [...permutation(units.length, random).subarray(0, needed)].sort((a, b) => a - b);
  const each = Math.ceil(rows / numbers.length);
  const chosen = new Map(
    numbers.map((number) => [unitKey(units[number]!), chooseOf(units[number]!.rows, each, createRandom(seed, number))]),
  );
  return {
    units: numbers,
    rows: known === undefined ? undefined : [...chosen.values()].reduce((sum, set) => sum + (set?.size ?? 0), 0),
    in: (unit) => (chosen.has(unitKey(unit)) ? (chosen.get(unitKey(unit)) ?? ALL) : undefined),
    sample: true,
  };
}

const ALL = { has: () => true };

/**
 * `count` numbers below `of` that follow each other from a random one on, round to the first again, so that each row has the same chance;
 * undefined for all of an unknown number. Neighbours stay together: what they share (a picture, a duplicate) costs what it does in a run.
 */
function chooseOf(of: number | undefined, count: number, random: Random): Set<number> | undefined {
  if (of === undefined) return undefined;
  const first = random.integer(of);
  return new Set(Array.from({ length: Math.min(of, count) }, (_, i) => (first + i) % of));
}
