import { basename } from 'node:path/posix';
import { deriveSeed } from 'alignflow';
import { type Entries, readJson } from './tarball.js';

/** Who drew the emoji. */
export type Vendor = 'fluent' | 'google' | 'openmoji' | 'twitter';

/** One emoji of one vendor. */
export interface Emoji {
  /** Code points in hexadecimal without the variation selector FE0F: `1f600`, `2764-200d-1f525`. */
  readonly key: string;
  /** The drawing: PNG, or SVG for Fluent and OpenMoji. */
  readonly drawing: Buffer;
  /** `smileys-emotion`, `food-drink`, ... */
  readonly group: string;
  /** `face-smiling`, `food-fruit`, ... */
  readonly subgroup: string;
  /** Neither a variant with a skin tone nor one of OpenMoji's own additions to Unicode. */
  readonly base: boolean;
}

/** A record of emoji-datasource's `emoji.json`. Its variants are with other skin tones. */
interface DatasourceRecord extends DatasourceVariant {
  readonly category: string;
  readonly subcategory: string;
  readonly skin_variations?: Readonly<Record<string, DatasourceVariant>>;
}

interface DatasourceVariant {
  readonly unified: string;
  readonly image: string;
}

/** A record of OpenMoji's `openmoji.json`. */
interface OpenMojiRecord {
  readonly hexcode: string;
  readonly group: string;
  readonly subgroups: string;
}

const skinTones = new Set(['1f3fb', '1f3fc', '1f3fd', '1f3fe', '1f3ff']);

/**
 * The emoji that a vendor has drawn, from its package; for Fluent, whose package has no list, those that `list`, the
 * package of OpenMoji, lists. The order is that of a hash of the key, the same for all vendors: a package lists flags
 * beside flags, and a batch of nothing but flags teaches little.
 */
export function listEmoji(vendor: Vendor, entries: Entries, list = entries): Emoji[] {
  const records = recordsOf(vendor, entries, list);
  const place = (emoji: Emoji) => deriveSeed(0, emoji.key);
  return records
    .flatMap(({ code, file, group, subgroup }): Emoji[] => {
      const drawing = entries.get(file);
      if (drawing === undefined) return [];
      const key = emojiKey(code);
      const base = !group.startsWith('extras') && !hasSkinTone(key.split('-'));
      return [{ key, drawing, group: slug(group), subgroup: slug(subgroup), base }];
    })
    .sort((a, b) => place(a) - place(b) || (a.key < b.key ? -1 : 1));
}

/** Lower-case code points joined by `-`, without FE0F, which says that an emoji is to be in colour. */
export function emojiKey(code: string): string {
  return code
    .toLowerCase()
    .split('-')
    .filter((point) => point !== 'fe0f')
    .join('-');
}

function recordsOf(vendor: Vendor, entries: Entries, list: Entries) {
  if (vendor === 'fluent') return fluent(entries, list);
  return vendor === 'openmoji' ? openMoji(list) : datasource(vendor, list);
}

function datasource(vendor: Vendor, entries: Entries) {
  return readJson<DatasourceRecord[]>(entries, 'package/emoji.json').flatMap((record) =>
    [record, ...Object.values(record.skin_variations ?? {})].map(({ unified, image }) => ({
      code: unified,
      file: `package/img/${vendor}/64/${image}`,
      group: record.category,
      subgroup: record.subcategory,
    })),
  );
}

function openMoji(entries: Entries) {
  return readJson<OpenMojiRecord[]>(entries, 'package/data/openmoji.json').map(({ hexcode, group, subgroups }) => ({
    code: hexcode,
    file: `package/color/svg/${hexcode}.svg`,
    group,
    subgroup: subgroups,
  }));
}

/** Found by key: file names have FE0F where OpenMoji's codes have none. */
function fluent(entries: Entries, list: Entries) {
  const files = new Map([...entries.keys()].map((file) => [emojiKey(basename(file, '.svg')), file]));
  return openMoji(list).flatMap((record) => {
    const file = files.get(emojiKey(record.code));
    return file === undefined ? [] : [{ ...record, file }];
  });
}

/** A skin tone by itself is an emoji like any other. */
function hasSkinTone(points: readonly string[]): boolean {
  return points.length > 1 && points.some((point) => skinTones.has(point));
}

/** `Food & Drink`, as emoji-datasource has it, and `food-drink`, as OpenMoji has it, are one. */
function slug(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]+/g, '-');
}
