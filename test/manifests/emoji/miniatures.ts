import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { keptFile } from '../../../manifests/emoji/operators/npm-package.js';
import { annotations, drawings } from '../../../manifests/emoji/operators/packages.js';
import { type Entries, writeEntries } from '../../../manifests/emoji/operators/tarball.js';

/** Miniatures of the packages. */

const datasource = JSON.stringify([
  {
    unified: '1F44B',
    image: '1f44b.png',
    category: 'People & Body',
    subcategory: 'hand-fingers-open',
    skin_variations: { '1F3FB': { unified: '1F44B-1F3FB', image: '1f44b-1f3fb.png' } },
  },
  { unified: '1F3FB', image: '1f3fb.png', category: 'Component', subcategory: 'skin-tone' },
  { unified: '1F34E', image: '1f34e.png', category: 'Food & Drink', subcategory: 'food-fruit' },
  { unified: '2764-FE0F', image: '2764-fe0f.png', category: 'Smileys & Emotion', subcategory: 'heart' },
]);

/** Five emoji; the drawings are no images: nothing here looks into a PNG. */
export const google: Entries = entries({
  'emoji.json': datasource,
  'img/google/64/1f44b.png': 'google hand',
  'img/google/64/1f44b-1f3fb.png': 'google light hand',
  'img/google/64/1f3fb.png': 'google light',
  'img/google/64/1f34e.png': 'google apple',
  'img/google/64/2764-fe0f.png': 'google heart',
});

const square = (colour: string, side = 72) =>
  `<svg viewBox="0 0 ${side} ${side}" xmlns="http://www.w3.org/2000/svg"><rect width="${side}" height="${side}" fill="${colour}"/></svg>`;

/** Three of Unicode's and one of OpenMoji's own. */
export const openmoji: Entries = entries({
  'data/openmoji.json': JSON.stringify([
    { hexcode: '1F44B', group: 'people-body', subgroups: 'hand-fingers-open' },
    { hexcode: '1F34E', group: 'food-drink', subgroups: 'food-fruit' },
    { hexcode: '2764', group: 'smileys-emotion', subgroups: 'heart' },
    { hexcode: 'E000', group: 'extras-openmoji', subgroups: 'brand' },
  ]),
  'color/svg/1F44B.svg': square('#fc0'),
  'color/svg/1F34E.svg': square('#f00'),
  'color/svg/2764.svg': square('#e00'),
  'color/svg/E000.svg': square('#00f'),
});

/** Two that OpenMoji lists, under other names and in other units, one that it does not list, and no hand. */
export const fluent: Entries = entries({
  'assets/1f34e.svg': square('#f00', 32),
  'assets/2764-fe0f.svg': square('#00f', 1200),
  'assets/1f3f4-e0067.svg': square('#fff', 32),
});

export const characters: Entries = entries({
  'annotations/en/annotations.json': JSON.stringify({
    annotations: {
      annotations: {
        '🍎': { tts: ['red apple'], default: ['fruit', 'red apple', 'red'] },
        '👋': { tts: ['waving hand'], default: ['hand', 'wave'] },
        '❤️': { tts: ['red heart'] },
      },
    },
  }),
  'annotations/ja/annotations.json': JSON.stringify({
    annotations: { annotations: { '🍎': { default: ['果物'] }, '👋': { tts: ['バイバイ'], default: ['手'] } } },
  }),
});

export const combinations: Entries = entries({
  'annotationsDerived/en/annotations.json': JSON.stringify({
    annotationsDerived: {
      annotations: { '👋🏻': { tts: ['waving hand: light skin tone'], default: ['hand', 'light skin tone'] } },
    },
  }),
  'annotationsDerived/ja/annotations.json': JSON.stringify({ annotationsDerived: { annotations: {} } }),
});

/** Puts the miniatures where the kept entries of the real packages would be. */
export async function fillCache(
  cache: string,
  replaced: { readonly google?: Entries; readonly characters?: Entries } = {},
): Promise<void> {
  const kept = [
    [annotations.characters, replaced.characters ?? characters],
    [annotations.combinations, combinations],
    [drawings.fluent, fluent],
    [drawings.google, replaced.google ?? google],
    [drawings.openmoji, openmoji],
  ] as const;
  for (const [wanted, contents] of kept) {
    const file = keptFile(wanted, cache);
    await mkdir(dirname(file), { recursive: true });
    await writeEntries(file, contents);
  }
}

/** The entries of a package with these files. */
export function entries(texts: Readonly<Record<string, string>>): Entries {
  return new Map(Object.entries(texts).map(([name, text]) => [`package/${name}`, Buffer.from(text)]));
}
