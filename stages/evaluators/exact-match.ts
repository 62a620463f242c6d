import type { ScoredCaption } from './ngrams.js';

/**
 * Share, 0 to 1, of the captions whose words are exactly those of any of their references. NaN without captions.
 *
 * Both sides come from `captionTokens`, so case and punctuation do not matter ("Côte d’Ivoire." is "côte d’ivoire"), and
 * a caption without any word matches nothing, not even a reference without any.
 */
export function exactMatch(captions: readonly ScoredCaption[]): number {
  const matched = captions.filter(({ candidate, references }) => {
    const words = candidate.join(' ');
    return words !== '' && references.some((reference) => reference.join(' ') === words);
  });
  return matched.length / captions.length;
}
