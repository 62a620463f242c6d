import { AlignflowError, batchOf, binaryColumn, defineSource, type SourceContext, utf8Column } from 'alignflow';
import { Bool, type RecordBatch, vectorFromArray } from 'apache-arrow';
import type { Caption, CaptionedEmoji, Collection } from './collection.js';
import type { Vendor } from './emoji.js';
import { drawings } from './packages.js';

/** Pairs of an emoji's drawing and a caption for it, from npm packages. All captions of a drawing follow each other. */
export interface EmojiPairs {
  /** Whose drawings to take. */
  vendors: ('fluent' | 'google' | 'openmoji' | 'twitter')[];
  /** Languages of the captions. */
  languages: ('en' | 'zh' | 'ja' | 'ar' | 'it' | 'de' | 'es' | 'hi' | 'ru')[];
  /** One row for the name ("grinning face"), one for the keywords ("face, grin, grinning"), or both. */
  kinds: ('name' | 'keywords')[];
  /** All emoji, or only those of Unicode without a skin tone. */
  emoji: 'base' | 'all';
  /** Adds the column `other`: the next vendor's drawing of the same emoji, or its own where no other vendor drew it. */
  other: boolean;
}

/** A row. */
type Pair = Omit<CaptionedEmoji, 'captions'> & Caption & { readonly vendor: Vendor };

/** Emoji in a unit: with nine languages about 4,600 rows and 10 MB. */
const unitSize = 256;

/** The emoji of each source in use, which all of its units share. */
const collections = new WeakMap<EmojiPairs, Promise<Collection>>();

export default defineSource({
  name: 'emoji/pairs',
  defaults: { vendors: ['google', 'openmoji'], languages: ['en'], kinds: ['name'], emoji: 'base', other: false },

  schema: async (config: EmojiPairs) => {
    for (const list of [config.vendors, config.languages, config.kinds]) {
      if (list.length > 0 && new Set(list).size === list.length) continue;
      throw new AlignflowError({
        what: `emoji/pairs cannot take [${list.join(', ')}]`,
        expected: 'one or more, each once',
      });
    }
    if (config.other && config.vendors.length < 2) {
      throw new AlignflowError({ what: 'emoji/pairs has no other vendor for `other`', fix: 'name two in `vendors`' });
    }
    return pairsBatch([], config).schema;
  },

  units: async (config, context) => {
    const collection = await shared(config, context);
    return config.vendors.flatMap((vendor) => {
      const emoji = collection.get(vendor)!;
      return Array.from({ length: Math.ceil(emoji.length / unitSize) }, (_, rowGroup) => ({
        file: fileOf(vendor),
        rowGroup,
        rows: unitOf(emoji, rowGroup).reduce((rows, { captions }) => rows + captions.length, 0),
      }));
    });
  },

  read: async function* ({ file, rowGroup = 0 }, config, context) {
    const collection = await shared(config, context);
    const vendor = config.vendors.find((one) => fileOf(one) === file)!;
    const pairs = unitOf(collection.get(vendor)!, rowGroup).flatMap(({ captions, ...emoji }) =>
      captions.map((caption) => ({ ...emoji, ...caption, vendor })),
    );
    yield pairsBatch(pairs, config);
  },
});

function shared(config: EmojiPairs, context: SourceContext): Promise<Collection> {
  const known = collections.get(config);
  if (known !== undefined) return known;
  // Loaded when rows are read: `check` and `plan` do without sharp.
  const started = import('./collection.js').then(({ collectEmoji }) => collectEmoji(config, context));
  collections.set(config, started);
  started.catch(() => collections.delete(config)); // The next attempt starts anew.
  return started;
}

function fileOf(vendor: Vendor): string {
  return `${drawings[vendor].name}@${drawings[vendor].version}`;
}

function unitOf(emoji: readonly CaptionedEmoji[], index: number): readonly CaptionedEmoji[] {
  return emoji.slice(index * unitSize, (index + 1) * unitSize);
}

/** The columns, for any number of rows: none give the schema. */
function pairsBatch(pairs: readonly Pair[], { other }: EmojiPairs): RecordBatch {
  return batchOf({
    image: binaryColumn(pairs.map((pair) => pair.drawing)),
    ...(other && { other: binaryColumn(pairs.map((pair) => pair.other)) }),
    caption: utf8Column(pairs.map((pair) => pair.caption)),
    language: utf8Column(pairs.map((pair) => pair.language)),
    kind: utf8Column(pairs.map((pair) => pair.kind)),
    emoji: utf8Column(pairs.map((pair) => pair.key)),
    vendor: utf8Column(pairs.map((pair) => pair.vendor)),
    group: utf8Column(pairs.map((pair) => pair.group)),
    subgroup: utf8Column(pairs.map((pair) => pair.subgroup)),
    base: vectorFromArray(
      pairs.map((pair) => pair.base),
      new Bool(),
    ),
    name: utf8Column(pairs.map((pair) => pair.name)),
  });
}
