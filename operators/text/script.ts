/** Languages that are written in Latin letters, of those that the detector knows; the commonest of the web first. */
const LATIN_LANGUAGES: readonly string[] =
  'en es de fr it pt nl pl tr vi cs ms sv ro hu fi da sk no hr lt sl ca et lv az tl eu is sq yo'.split(' ');

/**
 * The languages that a text can be in, judged by its letters alone. For languages with a script of their own this is
 * certain after one letter, where statistics of letter groups need a sentence.
 */
const SCRIPTS: readonly (readonly [letters: RegExp, languages: readonly string[]])[] = [
  [/\p{Script=Latin}/gu, LATIN_LANGUAGES],
  // Kana is Japanese, whatever Han characters stand beside it; so it goes before Han.
  [/[\p{Script=Hiragana}\p{Script=Katakana}ー]/gu, ['ja']],
  [/\p{Script=Hangul}/gu, ['ko']],
  [/\p{Script=Han}/gu, ['zh', 'ja']],
  [/\p{Script=Arabic}/gu, ['ar', 'fa', 'ku', 'ur']],
  [/\p{Script=Cyrillic}/gu, ['ru', 'be', 'bg', 'sr', 'uk']],
  [/\p{Script=Devanagari}/gu, ['hi', 'mr']],
  [/\p{Script=Greek}/gu, ['el']],
  [/\p{Script=Hebrew}/gu, ['he']],
  [/\p{Script=Thai}/gu, ['th']],
  [/\p{Script=Lao}/gu, ['lo']],
  [/\p{Script=Armenian}/gu, ['hy']],
  [/\p{Script=Georgian}/gu, ['ka']],
  [/\p{Script=Ethiopic}/gu, ['am']],
  [/\p{Script=Bengali}/gu, ['bn']],
  [/\p{Script=Gujarati}/gu, ['gu']],
  [/\p{Script=Gurmukhi}/gu, ['pa']],
  [/\p{Script=Kannada}/gu, ['kn']],
  [/\p{Script=Malayalam}/gu, ['ml']],
  [/\p{Script=Oriya}/gu, ['or']],
  [/\p{Script=Tamil}/gu, ['ta']],
  [/\p{Script=Telugu}/gu, ['te']],
];

/** Every language that can be told. */
export const LANGUAGES: readonly string[] = [...new Set(SCRIPTS.flatMap(([, languages]) => languages))].sort();

/**
 * Languages that the most frequent script of the text is used for, the commonest first; none where there are no letters.
 * Han characters count for Japanese or Korean where Kana or Hangul stand among them.
 */
export function languagesOfScript(text: string): readonly string[] {
  if (/^[ -~]*$/.test(text)) return /[A-Za-z]/.test(text) ? LATIN_LANGUAGES : [];
  let best: readonly string[] = [];
  let most = 0;
  const han = countHan(text);
  for (const [letters, languages] of SCRIPTS) {
    const own = countLetters(text, letters);
    const withHan = own > 0 && (languages[0] === 'ja' || languages[0] === 'ko');
    const count = withHan ? own + han : own;
    if (count > most) [best, most] = [languages, count];
  }
  return best;
}

/** Han characters in a text. */
export function countHan(text: string): number {
  return countLetters(text, /\p{Script=Han}/gu);
}

function countLetters(text: string, letters: RegExp): number {
  return text.match(letters)?.length ?? 0;
}
