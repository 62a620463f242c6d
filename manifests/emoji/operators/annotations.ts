import { emojiKey } from './emoji.js';
import { type Entries, readJson } from './tarball.js';

/** What CLDR says about one emoji in one language. */
export interface Annotation {
  /** The short name that a screen reader speaks: `grinning face`. */
  readonly name: string | undefined;
  /** Words to find it by, without the name itself: `face`, `grin`, `grinning`. */
  readonly keywords: readonly string[];
}

/** The part of CLDR's JSON that is used. */
interface AnnotationFile {
  /** By emoji: the spoken name and the keywords. */
  readonly annotations: Readonly<Record<string, { readonly tts?: [string]; readonly default?: readonly string[] }>>;
}

/** The annotations of a language by the emoji's key: those of single characters, then those of combinations. */
export function readAnnotations(
  language: string,
  characters: Entries,
  combinations: Entries,
): ReadonlyMap<string, Annotation> {
  const single = readJson<{ annotations: AnnotationFile }>(
    characters,
    `package/annotations/${language}/annotations.json`,
  );
  const derived = readJson<{ annotationsDerived: AnnotationFile }>(
    combinations,
    `package/annotationsDerived/${language}/annotations.json`,
  );
  return new Map(
    [single.annotations, derived.annotationsDerived]
      .flatMap(({ annotations }) => Object.entries(annotations))
      .map(([emoji, { tts, default: keywords = [] }]) => [
        emojiKey(codePoints(emoji)),
        { name: tts?.[0], keywords: keywords.filter((word) => word !== tts?.[0]) },
      ]),
  );
}

/** `1f600` for 😀, `2764-fe0f` for ❤️. */
function codePoints(emoji: string): string {
  return Array.from(emoji, (character) => character.codePointAt(0)!.toString(16).padStart(4, '0')).join('-');
}
