import type { SourceContext } from 'alignflow';
import sharp from 'sharp';
import { readAnnotations } from './annotations.js';
import { type Emoji, listEmoji, type Vendor } from './emoji.js';
import { openPackage } from './npm-package.js';
import { annotations, drawings } from './packages.js';

/** A caption of an emoji. */
export interface Caption {
  readonly caption: string;
  readonly language: string;
  readonly kind: 'name' | 'keywords';
}

/** An emoji of one vendor with all that can be said of it. */
export interface CaptionedEmoji extends Emoji {
  /** The English name; null where CLDR has none. */
  readonly name: string | null;
  readonly captions: readonly Caption[];
  /** The next vendor's drawing of the same emoji; its own where no other vendor of the collection drew it. */
  readonly other: Buffer;
}

/** The captioned emoji of each vendor. */
export type Collection = ReadonlyMap<Vendor, readonly CaptionedEmoji[]>;

/** What belongs to a collection. */
export interface Choice {
  readonly vendors: readonly Vendor[];
  readonly languages: readonly string[];
  readonly kinds: readonly Caption['kind'][];
  readonly emoji: 'base' | 'all';
}

/** The vendors whose drawings are SVG. */
const svg: ReadonlySet<Vendor> = new Set(['fluent', 'openmoji']);

/** The emoji of each vendor that have at least one caption, in the order of `listEmoji`, all drawings as PNG. */
export async function collectEmoji(
  { vendors, languages, kinds, emoji: wanted }: Choice,
  context: SourceContext,
): Promise<Collection> {
  const characters = await openPackage(annotations.characters, context);
  const combinations = await openPackage(annotations.combinations, context);
  const english = readAnnotations('en', characters, combinations);
  const named = new Map(languages.map((language) => [language, readAnnotations(language, characters, combinations)]));
  const captionsOf = (key: string): Caption[] =>
    languages.flatMap((language) =>
      kinds.flatMap((kind) => {
        const annotation = named.get(language)?.get(key);
        const caption = kind === 'name' ? annotation?.name : annotation?.keywords.join(', ');
        return caption ? [{ caption, language, kind }] : [];
      }),
    );

  const collection = new Map<Vendor, Omit<CaptionedEmoji, 'other'>[]>();
  for (const vendor of vendors) {
    const entries = await openPackage(drawings[vendor], context);
    const list = vendor === 'fluent' ? await openPackage(drawings.openmoji, context) : entries;
    const all = listEmoji(vendor, entries, list);
    const drawn = all.filter(({ base }) => base || wanted === 'all');
    const captioned = drawn
      .map((emoji) => ({ ...emoji, name: english.get(emoji.key)?.name ?? null, captions: captionsOf(emoji.key) }))
      .filter(({ captions }) => captions.length > 0);
    collection.set(vendor, svg.has(vendor) ? await rasterise(captioned) : captioned);

    const captions = captioned.flatMap((emoji) => emoji.captions);
    const lacking = languages.flatMap((language) =>
      kinds.flatMap((kind) => {
        const found = captions.filter((caption) => caption.language === language && caption.kind === kind).length;
        return found < drawn.length ? [`${language} ${kind} ${drawn.length - found}`] : [];
      }),
    );
    context.note(
      `${vendor}: ${drawn.length} emoji, ${captions.length} captions; CLDR lacks: ${lacking.join(', ') || 'none'}`,
    );
  }
  return withOthers(collection);
}

/** SVG to PNG of 64 x 64, the size of the other vendors: drawn 144 wide, whatever its units, and scaled down. */
async function rasterise<T extends Emoji>(emoji: readonly T[]): Promise<T[]> {
  return await Promise.all(
    emoji.map(async (one) => {
      const { width } = await sharp(one.drawing, { density: 72 }).metadata(); // A unit is a pixel.
      const drawn = sharp(one.drawing, { density: (72 * 144) / width });
      return { ...one, drawing: await drawn.resize(64, 64).png().toBuffer() };
    }),
  );
}

/** Gives each emoji the drawing of the next vendor, in a circle, that has the same emoji. */
function withOthers(
  collection: ReadonlyMap<Vendor, readonly Omit<CaptionedEmoji, 'other'>[]>,
): ReadonlyMap<Vendor, readonly CaptionedEmoji[]> {
  const drawn = [...collection.values()].map((emoji) => new Map(emoji.map(({ key, drawing }) => [key, drawing])));
  return new Map(
    [...collection].map(([vendor, emoji], at) => {
      const circle = [...drawn.slice(at + 1), ...drawn.slice(0, at)];
      return [
        vendor,
        emoji.map((one) => ({
          ...one,
          other: circle.find((drawings) => drawings.has(one.key))?.get(one.key) ?? one.drawing,
        })),
      ];
    }),
  );
}
