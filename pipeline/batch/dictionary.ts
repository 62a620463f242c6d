import { type Data, type Dictionary, type Int, Vector } from 'apache-arrow';
import { AlignflowError } from '../errors.js';
import { concatData } from './concat.js';
import { rangesOf } from './ranges.js';
import { takeData } from './take.js';

/** Any array that Arrow keeps dictionary indices in. */
type Indices = Exclude<NodeJS.TypedArray, Uint8ClampedArray>;

/**
 * One dictionary for parts of a dictionary column, and the indices of each part into it. Parts that share their dictionary
 * keep it; otherwise entries that are equal become one, so that the dictionary does not grow with each batch.
 */
export function mergeDictionaries(parts: readonly Data[]): { dictionary: Vector; indices: Indices[] } {
  const first = parts[0]!.dictionary!;
  const indices = parts.map((part) => (part.values as Indices).subarray(0, part.length) as Indices);
  if (parts.every((part) => part.dictionary === first)) return { dictionary: first, indices };

  const dictionaries = [...new Set(parts.map((part) => part.dictionary!))];
  const entries = concatData(dictionaries.flatMap((dictionary) => dictionary.data as Data[]));
  const { kept, renumbered } = uniqueEntries(entries);
  const starts = new Map<Vector, number>();
  let start = 0;
  for (const dictionary of dictionaries) {
    starts.set(dictionary, start);
    start += dictionary.length;
  }
  checkRoom(parts[0]!.type as Dictionary, kept.length);
  const dictionary = new Vector([takeData(entries, rangesOf(kept, entries.length))]);
  return {
    dictionary,
    indices: parts.map((part, i) => {
      const from = starts.get(part.dictionary!)!;
      const renumber = (index: number | bigint): number => renumbered[from + Number(index)] ?? 0;
      const own = indices[i]!;
      return own instanceof BigInt64Array || own instanceof BigUint64Array
        ? own.map((index) => BigInt(renumber(index)))
        : own.map(renumber);
    }),
  };
}

/** The first place of each different entry, and for each entry its number among those. */
function uniqueEntries(entries: Data): { kept: Uint32Array; renumbered: Uint32Array } {
  const values = new Vector([entries]);
  const plain = entries.children.length === 0;
  const numbers = new Map<unknown, number>();
  const kept: number[] = [];
  const renumbered = new Uint32Array(entries.length);
  for (let i = 0; i < entries.length; i++) {
    const value: unknown = values.get(i);
    const key = !plain ? i : ArrayBuffer.isView(value) ? Buffer.from(value as Uint8Array).toString('latin1') : value;
    let number = numbers.get(key);
    if (number === undefined) {
      number = kept.length;
      numbers.set(key, number);
      kept.push(i);
    }
    renumbered[i] = number;
  }
  return { kept: Uint32Array.from(kept), renumbered };
}

function checkRoom(type: Dictionary, entries: number): void {
  const { bitWidth, isSigned } = type.indices as Int;
  const room = 2 ** (isSigned ? bitWidth - 1 : bitWidth);
  if (entries <= room) return;
  throw new AlignflowError({
    what: `batches with different dictionaries have ${entries} entries together, and the column's ${type.indices} index holds ${room}`,
    fix: 'write the data with a plain column, or a wider dictionary index',
  });
}
