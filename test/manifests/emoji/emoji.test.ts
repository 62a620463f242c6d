import { expect, test } from 'vitest';
import { readAnnotations } from '../../../manifests/emoji/operators/annotations.js';
import { emojiKey, listEmoji } from '../../../manifests/emoji/operators/emoji.js';
import { characters, combinations, fluent, google, openmoji } from './miniatures.js';

test('a key has no variation selector', () => {
  expect(emojiKey('2764-FE0F-200D-1F525')).toBe('2764-200d-1f525');
  expect(emojiKey('1F600')).toBe('1f600');
});

test('lists what a vendor has drawn, variants with skin tones included', () => {
  const emoji = listEmoji('google', google);
  expect(Object.fromEntries(emoji.map(({ key, base }) => [key, base]))).toEqual({
    '1f44b': true,
    '1f44b-1f3fb': false,
    '1f3fb': true,
    '1f34e': true,
    '2764': true,
  });
  expect(emoji.find(({ key }) => key === '1f34e')).toEqual({
    key: '1f34e',
    drawing: Buffer.from('google apple'),
    group: 'food-drink',
    subgroup: 'food-fruit',
    base: true,
  });
});

test('an emoji whose drawing is not in the package is left out', () => {
  const drawings = new Map([...google].filter(([name]) => !name.endsWith('1f34e.png')));
  expect(listEmoji('google', drawings).map(({ key }) => key)).not.toContain('1f34e');
});

test("OpenMoji's additions to Unicode are no base emoji, and its groups have the same names", () => {
  const emoji = listEmoji('openmoji', openmoji);
  expect(emoji.find(({ key }) => key === 'e000')).toMatchObject({ group: 'extras-openmoji', base: false });
  expect(emoji.find(({ key }) => key === '1f34e')).toMatchObject({ group: 'food-drink', base: true });
});

test("Fluent's drawings are found in OpenMoji's list, with and without FE0F", () => {
  const emoji = listEmoji('fluent', fluent, openmoji);
  expect(emoji.map(({ key }) => key).sort()).toEqual(['1f34e', '2764']);
  expect(emoji.find(({ key }) => key === '2764')).toEqual({
    key: '2764',
    drawing: fluent.get('package/assets/2764-fe0f.svg'),
    group: 'smileys-emotion',
    subgroup: 'heart',
    base: true,
  });
});

test('the order is the same for all vendors and not that of the package', () => {
  const order = (emoji: readonly { readonly key: string }[], keys: ReadonlySet<string>) =>
    emoji.map(({ key }) => key).filter((key) => keys.has(key));
  const [ours, theirs] = [listEmoji('google', google), listEmoji('openmoji', openmoji)];
  const both = new Set(['1f34e', '1f44b', '2764']);
  expect(order(ours, both)).toEqual(order(theirs, both));
  expect(ours.map(({ key }) => key)).not.toEqual(['1f44b', '1f44b-1f3fb', '1f3fb', '1f34e', '2764']);
});

test('annotations are found by key, of single characters and of combinations', () => {
  const english = readAnnotations('en', characters, combinations);
  expect(Object.fromEntries(english)).toEqual({
    '1f34e': { name: 'red apple', keywords: ['fruit', 'red'] },
    '1f44b': { name: 'waving hand', keywords: ['hand', 'wave'] },
    '2764': { name: 'red heart', keywords: [] },
    '1f44b-1f3fb': { name: 'waving hand: light skin tone', keywords: ['hand', 'light skin tone'] },
  });
});

test('an emoji may have keywords and no name', () => {
  expect(readAnnotations('ja', characters, combinations).get('1f34e')).toEqual({ name: undefined, keywords: ['果物'] });
});
