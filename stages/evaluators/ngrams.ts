/** How often each n-gram of one length occurs, by its words joined with a space. */
export type NgramCounts = ReadonlyMap<string, number>;

/**
 * The n-grams of a tokenised caption.
 * @param tokens words without spaces in them, as `captionTokens` gives them
 * @param longest longest n-gram
 * @returns counts of the 1-grams, 2-grams, ... up to `longest`
 */
export function ngrams(tokens: readonly string[], longest: number): NgramCounts[] {
  return Array.from({ length: longest }, (_, index) => {
    const counts = new Map<string, number>();
    for (let end = index + 1; end <= tokens.length; end++) {
      const key = tokens.slice(end - index - 1, end).join(' ');
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return counts;
  });
}

/** A generated caption and the captions that people wrote for the same image, all tokenised. */
export interface ScoredCaption {
  readonly candidate: readonly string[];
  /** At least one. */
  readonly references: readonly (readonly string[])[];
}
