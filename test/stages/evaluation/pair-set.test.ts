import { describe, expect, it } from 'vitest';
import { batchOf, utf8Column } from '../../../pipeline/batch/build.js';
import { PairSet } from '../../../stages/evaluation/pair-set.js';

type Row = readonly [image: string | null, caption: string | null, language: string, kind: string | null];

function batch(...rows: Row[]) {
  const column = (at: number) => utf8Column(rows.map((row) => row[at]!));
  return batchOf({ image: column(0), caption: column(1), language: column(2), kind: column(3) });
}

function setOf(names: Record<string, string> = { kind: 'name' }) {
  return new PairSet({ caption: 'caption', image: 'image', language: 'language', names });
}

describe('PairSet', () => {
  it('finds what is new in each batch', () => {
    const set = setOf();
    const first = set.add(batch(['a', 'cat', 'en', 'name'], ['a', 'kitty', 'en', 'word'], ['b', 'dog', 'en', null]));
    expect([[...first.images], [...first.names]]).toEqual([[0, 2], [0]]);
    const second = set.add(batch(['b', 'Hund', 'de', 'name'], ['c', 'cow', 'en', 'name']));
    expect([[...second.images], [...second.names]]).toEqual([[1], [0, 1]]);
    expect(set.images).toBe(3);
    expect(set.namesIn('en')).toMatchObject([
      { text: { caption: 'cat', image: 0 }, at: 0 },
      { text: { caption: 'cow', image: 2 }, at: 2 },
    ]);
    expect(set.captionsIn('en', { namesOnly: false })).toEqual([['cat', 'kitty'], ['dog'], ['cow']]);
    expect(set.captionsIn('en', { namesOnly: true })).toEqual([['cat'], [], ['cow']]);
  });

  it('takes every caption for a name where nothing marks names', () => {
    const set = setOf({});
    expect([...set.add(batch(['a', 'cat', 'en', null], ['a', 'kitty', 'en', null])).names]).toEqual([0, 1]);
  });

  it('names the languages that there are', () => {
    const set = setOf();
    set.add(batch(['a', 'Katze', 'de', 'name'], ['a', 'cat', 'en', 'name'], ['a', 'chat', 'fr', 'word']));
    expect(() => set.namesIn('fr')).toThrow(
      /no image has a name in the language fr\n.*languages that have names: de, en\n/,
    );
  });

  it('says that there are no names at all, and no rows at all', () => {
    const set = setOf({ kind: 'nmae' });
    expect(() => set.namesIn('en')).toThrow('expected: rows: there are none');
    set.add(batch(['a', 'cat', 'en', 'name'], ['b', 'dog', 'en', 'name']));
    expect(() => set.namesIn('en')).toThrow('rows in which kind is nmae: of 2 there is none');
  });

  it.each([
    ['image', [null, 'cat', 'en', 'name']],
    ['caption', ['a', null, 'en', 'name']],
  ] as const)('names a row whose %s is null', (column, row) => {
    expect(() => setOf().add(batch(['a', 'cat', 'en', 'name'], row))).toThrow(`row 1: column ${column} is null`);
  });
});
