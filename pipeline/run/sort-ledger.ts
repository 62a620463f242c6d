import type { DroppedRow } from '../graph/chain.js';

/** The place of each row that a ledger was given, in the order in which it came. */
export interface Places {
  /** Whether the rows came in the order of their places. */
  readonly inOrder: boolean;
  add(row: DroppedRow): void;
  /** Where each row stands in order. Rows of one place stand by stage and operator, which `names` tells apart. */
  ranks(): Uint32Array;
}

/** Remembers places, in 20 bytes each: all since the ledger was opened or split. */
export function createPlaces(): Places {
  let units = new Float64Array(1024);
  let rows = new Float64Array(1024);
  let names = new Uint32Array(1024);
  const numbers = new Map<string, number>();
  let count = 0;
  let inOrder = true;
  const order = (a: number, b: number): number => units[a]! - units[b]! || rows[a]! - rows[b]!;
  return {
    get inOrder() {
      return inOrder;
    },
    add({ epoch, unit = 0, row, stage, operator }) {
      if (count === units.length) {
        [units, rows, names] = [doubled(units), doubled(rows), doubled(names)];
      }
      const name = `${stage}\0${operator}`;
      const number = numbers.get(name) ?? numbers.size;
      numbers.set(name, number);
      units[count] = epoch * 2 ** 24 + unit;
      rows[count] = row;
      names[count] = number;
      if (count > 0) {
        const way = order(count - 1, count);
        if (way > 0 || (way === 0 && names[count - 1] !== number)) inOrder = false;
      }
      count++;
    },
    ranks() {
      const sorted = [...numbers.keys()].sort((a, b) => (a < b ? -1 : 1));
      const places = new Uint32Array(sorted.length);
      for (const [place, name] of sorted.entries()) places[numbers.get(name)!] = place;
      const inPlace = Uint32Array.from({ length: count }, (_, i) => i).sort(
        (a, b) => order(a, b) || places[names[a]!]! - places[names[b]!]! || a - b,
      );
      const ranks = new Uint32Array(count);
      for (const [rank, i] of inPlace.entries()) ranks[i] = rank;
      return ranks;
    },
  };
}

/**
 * Gives rows in the order of their ranks, each as soon as those before it have come: in memory are only the rows that came too
 * early.
 */
export async function* inRankOrder<Row>(rows: AsyncIterable<Row>, ranks: Uint32Array): AsyncGenerator<Row> {
  const early = new Map<number, Row>();
  let next = 0;
  let at = 0;
  for await (const row of rows) {
    early.set(ranks[at++]!, row);
    for (let ready = early.get(next); ready !== undefined; ready = early.get(next)) {
      yield ready;
      early.delete(next++);
    }
  }
}

function doubled<Values extends Float64Array | Uint32Array>(values: Values): Values {
  const larger = new (values.constructor as new (length: number) => Values)(values.length * 2);
  larger.set(values);
  return larger;
}
