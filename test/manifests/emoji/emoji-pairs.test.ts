import type { RecordBatch } from 'apache-arrow';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import pairs, { type EmojiPairs } from '../../../manifests/emoji/operators/emoji-pairs.js';
import { drawings } from '../../../manifests/emoji/operators/packages.js';
import { entries, fillCache } from './miniatures.js';
import { sourceContext, temporaryFolder } from './registry.js';

const defaults = pairs.defaults as unknown as EmojiPairs;

/** All batches of the source, one a unit, and what it noted. */
async function readAll(options: Partial<EmojiPairs>, replaced: Parameters<typeof fillCache>[1] = {}) {
  const config = { ...defaults, ...options };
  const cache = await temporaryFolder();
  await fillCache(cache, replaced);
  const { context, notes } = sourceContext(cache);
  const units = await pairs.units(config, context);
  const batches: RecordBatch[] = [];
  for (const unit of units) for await (const batch of pairs.read(unit, config, context)) batches.push(batch);
  return { batches, units, notes, schema: await pairs.schema(config, context) };
}

function values(batches: readonly RecordBatch[], ...columns: string[]) {
  return batches.flatMap((batch) =>
    Array.from({ length: batch.numRows }, (_, row) => columns.map((name) => batch.getChild(name)?.get(row))),
  );
}

test('by default a row for each base emoji of both vendors, with its English name', async () => {
  const { batches, units } = await readAll({});
  expect(values(batches, 'vendor', 'emoji', 'caption', 'name', 'language', 'kind', 'base').sort()).toEqual([
    ['google', '1f34e', 'red apple', 'red apple', 'en', 'name', true],
    ['google', '1f44b', 'waving hand', 'waving hand', 'en', 'name', true],
    ['google', '2764', 'red heart', 'red heart', 'en', 'name', true],
    ['openmoji', '1f34e', 'red apple', 'red apple', 'en', 'name', true],
    ['openmoji', '1f44b', 'waving hand', 'waving hand', 'en', 'name', true],
    ['openmoji', '2764', 'red heart', 'red heart', 'en', 'name', true],
  ]);
  expect(units).toEqual([
    { file: 'emoji-datasource-google@16.0.0', rowGroup: 0, rows: 3 },
    { file: 'openmoji@17.0.0', rowGroup: 0, rows: 3 },
  ]);
});

test('all captions of a drawing follow each other, and only those that CLDR has', async () => {
  const { batches, notes } = await readAll({
    vendors: ['google'],
    languages: ['en', 'ja'],
    kinds: ['name', 'keywords'],
  });
  const rows = values(batches, 'emoji', 'language', 'kind', 'caption');
  expect(rows.filter(([emoji]) => emoji === '1f34e')).toEqual([
    ['1f34e', 'en', 'name', 'red apple'],
    ['1f34e', 'en', 'keywords', 'fruit, red'],
    ['1f34e', 'ja', 'keywords', '果物'],
  ]);
  expect(rows.map(([emoji]) => emoji).filter((emoji, row, all) => emoji !== all[row - 1])).toHaveLength(3);
  expect(notes).toEqual([
    'google: 4 emoji, 8 captions; CLDR lacks: en name 1, en keywords 2, ja name 3, ja keywords 2',
  ]);
});

test('`all` adds skin tones; the English name is given with captions of any language', async () => {
  const { batches } = await readAll({ vendors: ['google'], emoji: 'all' });
  expect(values(batches, 'emoji', 'base')).toContainEqual(['1f44b-1f3fb', false]);
  const japanese = await readAll({ vendors: ['google'], languages: ['ja'] });
  expect(values(japanese.batches, 'caption', 'name')).toEqual([['バイバイ', 'waving hand']]);
});

test('drawings of OpenMoji come as PNG of 64 x 64, those of the others as they are', async () => {
  const { batches } = await readAll({});
  const images = values(batches, 'vendor', 'emoji', 'image');
  const image = (vendor: string) => images.find(([by, key]) => by === vendor && key === '1f34e')?.[2] as Uint8Array;
  expect(Buffer.from(image('google')).toString()).toBe('google apple');
  const { data, info } = await sharp(image('openmoji')).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  expect(info).toMatchObject({ format: 'raw', width: 64, height: 64 });
  expect([...data.subarray(0, 3)]).toEqual([255, 0, 0]);
});

test('drawings of Fluent come as PNG of 64 x 64 whatever the units of the SVG, with what OpenMoji lists of them', async () => {
  const { batches, units, notes } = await readAll({ vendors: ['fluent'] });
  expect(units).toEqual([{ file: '@lobehub/fluent-emoji-flat@1.1.0', rowGroup: 0, rows: 2 }]);
  expect(notes).toEqual(['fluent: 2 emoji, 2 captions; CLDR lacks: none']);
  const rows = values(batches, 'emoji', 'vendor', 'caption', 'group', 'image');
  expect(rows.map((row) => row.slice(0, 4)).sort()).toEqual([
    ['1f34e', 'fluent', 'red apple', 'food-drink'],
    ['2764', 'fluent', 'red heart', 'smileys-emotion'],
  ]);
  for (const [emoji, , , , image] of rows) {
    const { data, info } = await sharp(image as Uint8Array)
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width: 64, height: 64 });
    expect([...data.subarray(-3)]).toEqual(emoji === '1f34e' ? [255, 0, 0] : [0, 0, 255]);
  }
});

test("`other` is the next vendor's drawing, or its own where there is none", async () => {
  const { batches } = await readAll({ emoji: 'all', other: true });
  const rows = values(batches, 'vendor', 'emoji', 'image', 'other');
  const row = (vendor: string, emoji: string) => rows.find(([by, key]) => by === vendor && key === emoji)!;
  expect(row('google', '1f34e')[3]).toEqual(row('openmoji', '1f34e')[2]);
  expect(row('openmoji', '1f34e')[3]).toEqual(row('google', '1f34e')[2]);
  expect(row('google', '1f44b-1f3fb')[3]).toEqual(row('google', '1f44b-1f3fb')[2]);
});

test('the schema is that of the batches, with and without `other`', async () => {
  for (const other of [false, true]) {
    const { batches, schema } = await readAll({ other });
    expect(String(batches[0]?.schema)).toBe(String(schema));
    expect(schema.fields.some(({ name }) => name === 'other')).toBe(other);
  }
});

test('256 emoji a unit, in an order that mixes the groups, the same at each reading', async () => {
  const points = Array.from({ length: 300 }, (_, i) => 0x1f300 + i);
  const group = (i: number) => (i < 150 ? 'Objects' : 'Flags');
  const replaced = {
    google: entries({
      'emoji.json': JSON.stringify(
        points.map((point, i) => ({
          unified: point.toString(16),
          image: `${point.toString(16)}.png`,
          category: group(i),
          subcategory: 'tool',
        })),
      ),
      ...Object.fromEntries(points.map((point) => [`img/google/64/${point.toString(16)}.png`, 'drawing'])),
    }),
    characters: entries({
      'annotations/en/annotations.json': JSON.stringify({
        annotations: {
          annotations: Object.fromEntries(
            points.map((point) => [String.fromCodePoint(point), { tts: [`name ${point}`], default: ['word'] }]),
          ),
        },
      }),
    }),
  };
  const options = { vendors: ['google'], kinds: ['name', 'keywords'] } satisfies Partial<EmojiPairs>;
  const { batches, units } = await readAll(options, replaced);
  expect(units.map(({ rows }) => rows)).toEqual([512, 88]);
  expect(batches.map((batch) => batch.numRows)).toEqual([512, 88]);
  expect(new Set(values(batches, 'emoji').flat()).size).toBe(300);
  const flags = values(batches.slice(0, 1), 'group').filter(([name]) => name === 'flags').length;
  expect(flags / 512).toBeCloseTo(0.5, 1);
  expect(values((await readAll(options, replaced)).batches, 'emoji')).toEqual(values(batches, 'emoji'));
});

test('a vendor, language or kind is named once, and `other` needs two vendors', async () => {
  const schema = (options: Partial<EmojiPairs>) => pairs.schema({ ...defaults, ...options }, { stage: 's', base: '.' });
  await expect(schema({ vendors: ['google', 'google'] })).rejects.toThrow(/cannot take \[google, google\]/);
  await expect(schema({ languages: [] })).rejects.toThrow(/cannot take \[\]/);
  await expect(schema({ kinds: ['name', 'name'] })).rejects.toThrow(/one or more, each once/);
  await expect(schema({ vendors: ['google'], other: true })).rejects.toThrow(/name two in `vendors`/);
});

test('the wanted entries of each vendor are its own', () => {
  expect(drawings.google.wanted.test('package/img/google/64/1f600.png')).toBe(true);
  expect(drawings.google.wanted.test('package/img/google/64/../../1f600.png')).toBe(false);
  expect(drawings.twitter.wanted.test('package/img/google/64/1f600.png')).toBe(false);
  expect(drawings.fluent.wanted.test('package/assets/0023-fe0f-20e3.svg')).toBe(true);
  expect(drawings.fluent.wanted.test('package/assets/../0023.svg')).toBe(false);
  expect(drawings.openmoji.wanted.test('package/color/svg/1F468-200D-1F9B0.svg')).toBe(true);
});
