import { eld } from 'eld/small';
import { countHan, languagesOfScript } from './script.js';

/** What a text was taken for. */
export interface DetectedLanguage {
  /** ISO 639-1 code. */
  readonly language: string;
  /** 1 where the script leaves no choice; otherwise the detector's score, 0 to 1. For Han alone, `1 - 1 / (letters + 1)`. */
  readonly confidence: number;
}

/** Tells the language of a text; undefined for one without letters. */
export type LanguageDetector = (text: string) => DetectedLanguage | undefined;

/**
 * Tells the language of texts. The script is looked at first: it decides alone for Japanese with Kana, Korean, Thai, Greek
 * and others, and leaves a few candidates for Arabic, Cyrillic and Devanagari. Among candidates, and for Latin letters, the
 * groups of letters decide (ELD, 60 languages). One or two words in Latin letters are a guess at best: `among` makes it a
 * better one. Without any evidence the commonest candidate of the script is taken at confidence 0.
 *
 * Han characters without Kana are taken for Chinese: Japanese has names and headings like that, but hardly a sentence, so the
 * confidence grows with the number of characters. (Statistics of letter groups call one such character Japanese, surely.)
 *
 * @param among languages that occur at all; every language when empty.
 */
export function createLanguageDetector(among: readonly string[]): LanguageDetector {
  const detector = eld.newInstance();
  const possible = new Set(among);
  return (text) => {
    const candidates = languagesOfScript(text).filter((language) => possible.size === 0 || possible.has(language));
    const [commonest] = candidates;
    if (commonest === undefined) return undefined;
    if (candidates.length === 1) return { language: commonest, confidence: 1 };
    if (commonest === 'zh') return { language: commonest, confidence: 1 - 1 / (countHan(text) + 1) };
    const scores = detector.detect(text).getScores();
    let best: DetectedLanguage = { language: commonest, confidence: 0 };
    for (const language of candidates) {
      const confidence = scores[language] ?? 0;
      if (confidence > best.confidence) best = { language, confidence };
    }
    return best;
  };
}
