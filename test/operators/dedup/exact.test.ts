import { readFileSync } from 'node:fs';
import { Field, Int32, Schema, Utf8 } from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import exact from '../../../operators/dedup/exact.js';
import { hashBytes } from '../../../operators/dedup/hash.js';
import { createHashSet, hashSetBytes } from '../../../operators/dedup/hash-set.js';
import { batchOf, binaryColumn, boolColumn, int32Column, utf8Column } from '../../../pipeline/batch/build.js';
import { sliceBatch } from '../../../pipeline/batch/concat.js';
import { randomBatches } from '../../kit/batches.js';
import { describeConformance } from '../../kit/conformance.js';
import { declare, runOperator, valuesOf } from '../run-operator.js';

const schema = new Schema([new Field('word', new Utf8(), true), new Field('n', new Int32(), true)]);
const batches = randomBatches(schema, { sizes: [40, 0, 40], nulls: 0.4 });
describeConformance(exact, { config: { columns: ['word'], nulls: 'equal', expected: 100 }, batches }, { describe, it });

/** Made by test/reference/murmur.py. */
const HASHES = JSON.parse(readFileSync(new URL('../../reference/murmur.json', import.meta.url), 'utf8')) as [
  string,
  number[],
][];

describe('hashBytes', () => {
  it.each(HASHES)('equals MurmurHash3_x86_128 for %j', (text, words) => {
    const bytes = new TextEncoder().encode(`?${text}?`);
    const state = new Uint32Array(4);
    hashBytes(bytes, 1, bytes.length - 1, state);
    expect([...state]).toEqual(words);
  });
});

describe('createHashSet', () => {
  it('equals a set of texts, collisions of places included', () => {
    const word = fc.constantFrom(0, 1, 64, 65, 0xffffffff);
    fc.assert(
      fc.property(fc.array(fc.tuple(word, word, word, word), { maxLength: 40 }), (hashes) => {
        const set = createHashSet(40);
        const texts = new Set<string>();
        for (const [a, b, c, d] of hashes) {
          const text = [a, b, c, d | 1].join();
          expect(set.add(Uint32Array.of(a, b, c, d))).toBe(!texts.has(text));
          texts.add(text);
        }
        expect(set.size).toBe(texts.size);
      }),
      { seed: 7, numRuns: 200 },
    );
  });

  it('says so when it is full, and still finds what it has', () => {
    const set = createHashSet(2);
    set.add(Uint32Array.of(1, 0, 0, 1));
    set.add(Uint32Array.of(2, 0, 0, 1));
    expect(set.add(Uint32Array.of(1, 0, 0, 1))).toBe(false);
    expect(() => set.add(Uint32Array.of(3, 0, 0, 1))).toThrow('more than 2 different rows');
  });

  it('takes 16 bytes a place, at most three quarters of them in use', () => {
    expect(hashSetBytes(1)).toBe(16 * 16);
    expect(hashSetBytes(1_000_000)).toBe(16 * 2 ** 21);
    expect(hashSetBytes(3 * 2 ** 18)).toBe(16 * 2 ** 20);
  });
});

describe('dedup/exact', () => {
  it('keeps the first of equal rows, also across batches', async () => {
    const batch = batchOf({ w: utf8Column(['a', 'b', 'a', 'c', 'b', 'a']), n: int32Column([1, 2, 3, 4, 5, 6]) });
    const halves = [sliceBatch(batch, 0, 2), sliceBatch(batch, 2, 6)];
    const { out, reasons } = await runOperator(exact, { columns: ['w'] }, halves);
    expect(valuesOf(out, 'n')).toEqual([1, 2, 4]);
    expect(reasons).toEqual(['duplicate', 'duplicate', 'duplicate']);
  });

  it('compares several columns together, each by itself', async () => {
    const batch = batchOf({ a: utf8Column(['x', '', 'xy', 'x']), b: utf8Column(['y', 'xy', '', 'y']) });
    const { context } = await runOperator(exact, { columns: ['a', 'b'] }, [batch]);
    expect(context.dropped).toEqual([{ reason: 'duplicate', origin: '3' }]);
  });

  it('takes nulls as different from all, or as equal to each other and to nothing else', async () => {
    const batch = batchOf({ w: utf8Column([null, '', null, '']) });
    expect((await runOperator(exact, { columns: ['w'] }, [batch])).reasons).toHaveLength(1);
    expect((await runOperator(exact, { columns: ['w'], nulls: 'equal' }, [batch])).reasons).toHaveLength(2);
  });

  it('compares bytes and truth values', async () => {
    const batch = batchOf({
      b: binaryColumn([Uint8Array.of(1, 0), Uint8Array.of(1), Uint8Array.of(1, 0)]),
      t: boolColumn([true, true, true]),
    });
    const { context } = await runOperator(exact, { columns: ['b', 't'] }, [batch]);
    expect(context.dropped.map(({ origin }) => origin)).toEqual(['2']);
  });

  it('declares its memory, and refuses no columns', () => {
    expect(exact.holds({ columns: ['w'], nulls: 'keep', expected: 1_000_000 })).toBe(16 * 2 ** 21);
    expect(() => declare(exact, { columns: [] }, batchOf({ w: utf8Column([]) }))).toThrow('columns is empty');
  });
});
