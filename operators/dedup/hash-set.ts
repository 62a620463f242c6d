import { AlignflowError } from '../../pipeline/errors.js';

/** A set of 128-bit hashes in one block of memory. */
export interface HashSet {
  /** Adds a hash of four words; false where it is in the set already. Throws when the set is full. */
  add(hash: Uint32Array): boolean;
  readonly size: number;
  /** All of it, to make an equal set of. */
  bytes(): Uint8Array;
}

/** Bytes that a set for `expected` hashes takes: four words for each place, at most three quarters of them in use. */
export function hashSetBytes(expected: number): number {
  return places(expected) * 16;
}

/**
 * A set with room for `expected` hashes: empty, or equal to one that had the same room. Open addressing, the next free place on a
 * collision.
 */
export function createHashSet(expected: number, bytes?: Uint8Array): HashSet {
  const mask = places(expected) - 1;
  const table = new Uint32Array((mask + 1) * 4);
  let size = 0;
  if (bytes !== undefined) {
    new Uint8Array(table.buffer).set(bytes);
    for (let at = 3; at < table.length; at += 4) if (table[at] !== 0) size++;
  }
  return {
    bytes: () => new Uint8Array(table.buffer),
    get size() {
      return size;
    },
    add(hash) {
      const [a, b, c] = [hash[0]!, hash[1]!, hash[2]!];
      // A place of four zeros is free, so no hash may be that: the last word always has its lowest bit set.
      const d = (hash[3]! | 1) >>> 0;
      for (let place = a & mask; ; place = (place + 1) & mask) {
        const at = place * 4;
        if (table[at + 3] === 0) {
          if (size === expected) {
            throw new AlignflowError({
              what: `there are more than ${expected} different rows`,
              expected: `at most ${expected}, for which memory was set aside`,
              fix: 'set the option `expected` to the number of rows that the data have',
            });
          }
          table[at] = a;
          table[at + 1] = b;
          table[at + 2] = c;
          table[at + 3] = d;
          size++;
          return true;
        }
        if (table[at] === a && table[at + 1] === b && table[at + 2] === c && table[at + 3] === d) return false;
      }
    },
  };
}

function places(expected: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(16, (expected * 4) / 3)));
}
