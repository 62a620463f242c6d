/**
 * Captions to words, as coco-caption does before it scores (`pycocoevalcap/tokenizer/ptbtokenizer.py`: the Penn Treebank
 * tokenizer of Stanford CoreNLP 3.4.1 with `-lowerCase`, then a list of punctuation taken out), without Java.
 *
 * The rules were found by giving that program text and looking at what it answers; the test compares with its output.
 * What it does that looks odd, and is kept because scores depend on it: brackets become words (`-lrb-`), for only their
 * upper-case forms are on the list of punctuation; runs of `!` and `?` stay; emoji vanish, and so do symbols that were not
 * known in 2014.
 *
 * Where it differs from that program: letters and marks of all scripts are letters, also those that were not known in
 * 2014, lie beyond U+FFFF, or that it cannot place (Gurmukhi, Sinhala, Georgian capitals); slashed dates with the year first, telephone
 * numbers with a country code, `’d`, `’m` and `’s` within a word, and rare abbreviations in capitals may be cut elsewhere.
 */
export function captionTokens(caption: string): string[] {
  const text = plainText(caption);
  const tokens: string[] = [];
  let at = 0;
  while (at < text.length) {
    let end = at;
    let found: readonly string[] = [];
    for (const { pattern, words } of RULES) {
      pattern.lastIndex = at;
      const match = pattern.exec(text);
      if (match === null || pattern.lastIndex <= end) continue;
      end = pattern.lastIndex;
      found = words === undefined ? [match[0]] : words(match);
    }
    for (const word of found) tokens.push(...word.toLowerCase().split(/\s+/));
    at = Math.max(end, at + 1);
  }
  return tokens.filter((token) => token !== '' && !PUNCTUATION.has(token));
}

/** What coco-caption takes out; quotes, dashes and ellipses are written this way by the time the list is asked. */
const PUNCTUATION: ReadonlySet<string> = new Set("'' ' `` ` . ? ! , : - -- ... ;".split(' '));

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
  ['nbsp', ' '],
]);

/** Entities within words become characters; soft hyphens go; what dresses a character up as an emoji leaves a gap. */
function plainText(caption: string): string {
  return caption
    .replace(/&(amp|quot|apos|nbsp);/g, (_, name: string) => ENTITIES.get(name)!)
    .replace(/\u00ad/g, '')
    .replace(/[\ufe00-\ufe0f\p{Me}]/gu, ' ');
}

/** Abbreviations that keep their full stop. */
const ABBREVIATIONS =
  'al cf co ct dr ft ga jr ky lt md mo mr ms mt ph rd rt sq sr st va vs vt wm adj adm adv ala apr aug ave bhd cie col cos ' +
  'cpl dak dec det drs ens esq est etc ext feb fla fri gen gov hon inc ind jan jos jul jun kan ltd maj mar mfg mme mon mrs ' +
  'mtg neb nev nov oct pfc plc pte pty pvt rep rev sen sep seq sfc sgt spc ste sys tel thu tue wed wis wyo alex ariz assn ' +
  'assoc asst atty attys bancorp bldg blvd brig bros calif capt cmdr colo comdr conn corp dept elec govs insp intl invt ' +
  'kans lieut messrs mich minn mlle mont msgr natl okla penn pres prof profs reps sens sept supt supts tenn thurs tues ' +
  'univ wisc';
/** Abbreviations only with a capital: in lower case they are words. */
const CAPITAL_ABBREVIATIONS = 'az ark del ill la mass miss ore pa tex wash';
/** Abbreviations only before a number. */
const NUMBER_ABBREVIATIONS = 'art ca fig figs no nos op pp prop';
/** Words that are two. */
const DOUBLE_WORDS = 'can|not gon|na got|ta gim|me lem|me wan|na';

const anyOf = (words: string) => `(?:${words.split(' ').join('|')})`;
const capitals = (words: string) => words.replace(/\b[a-z]/g, (letter) => letter.toUpperCase());

const LETTER = '[\\p{L}\\p{M}]';
const INNER = '[\\p{L}\\p{M}\\p{Nd}]';
const WORD = `${LETTER}${INNER}*(?:[.!?]${LETTER}${INNER}*)*`;
const NUMBER = '\\d+(?:[.,]\\d+)*';
const JOINED = `(?:[-_\\u2010\\u2011]${INNER}+)`;
const END = `(?!${INNER})`;
const SHORT = `(?:[sSdDmM]|[rRvV][eE]|[lL][lL])${END}`;
/** Symbols that the program of 2014 knows; the others leave a gap. */
const KNOWN_SYMBOL =
  '(?=[\\p{P}\\p{S}\\p{No}])[!-\\u03f6\\u055a-\\u0589\\u05be-\\u07f8\\u0964\\u0965\\u0e3f\\u0e4f\\u2013-\\u2023\\u2026' +
  '\\u2030-\\u203b\\u203e-\\u2042\\u2044\\u2070-\\u20a0\\u20a4\\u20ac\\u2100-\\u214f\\u2153-\\u215e\\u2190-\\u2bff' +
  '\\u3001\\u3002\\u3012\\u30fb\\uff01-\\uffe1]';

/** Symbols that are written otherwise; those that are written as punctuation vanish with it. */
const SYMBOLS: ReadonlyMap<string, string> = new Map([
  ...[...'‘‛‹’›“«”»"'].map((quote) => [quote, "'"] as const),
  ...[...'–—―…'].map((dash) => [dash, '-'] as const),
  ['(', '-lrb-'],
  [')', '-rrb-'],
  ['[', '-lsb-'],
  [']', '-rsb-'],
  ['{', '-lcb-'],
  ['}', '-rcb-'],
  ['£', '#'],
  ['€', '$'],
  ['¤', '$'],
  ['\u20a0', '$'],
  ['¢', 'cents'],
  ['½', '1/2'],
  ['⅓', '1/3'],
  ['¼', '1/4'],
  ['⅔', '2/3'],
  ['¾', '3/4'],
]);
const brackets = (text: string) => text.replace(/[()[\]]/g, (bracket) => SYMBOLS.get(bracket)!);

interface Rule {
  readonly pattern: RegExp;
  /** The words of a match; the whole match when absent. */
  readonly words?: (match: RegExpExecArray) => readonly string[];
}

function rule(pattern: string, words?: (match: RegExpExecArray) => readonly string[], flags = ''): Rule {
  const sticky = new RegExp(pattern, `uy${flags}`);
  return words === undefined ? { pattern: sticky } : { pattern: sticky, words };
}

/** At each place the longest match wins, the earlier rule among equals; where none matches, a character is passed over. */
const RULES: readonly Rule[] = [
  // Words that are two.
  ...DOUBLE_WORDS.split(' ').map((pair) => {
    const [first, second] = pair.split('|');
    return rule(`(${first})(${second})(?=[^\\p{L}\\p{M}\\p{Nd}_-]|$)`, ([, a, b]) => [a!, b!], 'i');
  }),
  // Words, with inner full stops, hyphens and underscores; numbers and what is joined to them.
  rule(`${WORD}(?:\\.?${JOINED})*`),
  rule(`${NUMBER}(?:\\.?${JOINED})*`),
  rule(`${INNER}+${JOINED}*`),
  rule('[-+]?(?:\\d*(?:[.:,]\\d+)+|\\d+)'),
  rule('[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*(?:/[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*){1,2}'),
  rule('\\d{1,4}(?:-\\d{1,4})?/\\d{1,4}'),
  // Abbreviations, initials, and names made with symbols.
  rule(`${anyOf(ABBREVIATIONS)}\\.`, undefined, 'i'),
  rule(`(?:${anyOf(capitals(CAPITAL_ABBREVIATIONS))}|${anyOf(CAPITAL_ABBREVIATIONS.toUpperCase())})\\.`),
  rule(`${anyOf(NUMBER_ABBREVIATIONS)}\\.(?=\\s?\\d)`, undefined, 'i'),
  rule('(?:[A-Za-z](?:\\.[A-Za-z])*|Ph\\.D)\\.(?:-(?:[A-Za-z]\\.)+)?'),
  rule('(?:non|anti|pre|pro|ex)-U\\.S\\.', undefined, 'i'),
  rule('(?:[Cc]\\+\\+|[CcFf]#|[A-Z]+(?:&[A-Z]+)+|(?:US|A|C|NZ|HK)\\$)'),
  // Apostrophes: contractions are cut, names are not.
  rule(`(${LETTER}*)[nN]['’][tT]${END}`, ([whole, stem]) => [stem!, `${whole[stem!.length]}'t`]),
  rule(`['’](${SHORT})`, ([, ending]) => [`'${ending}`]),
  rule(`(?![\\p{L}]['’]${SHORT})[dlnoA-HJ-XZ]['’]${LETTER}{2,}${JOINED}*`),
  rule(`${LETTER}+[aeiouyAEIOUY](?!['’]${SHORT})['’][aeiouA-Z]${LETTER}*${JOINED}*`),
  rule(`${INNER}+${JOINED}*-[dlnoA-HJ-XZ]['’]${LETTER}{2,}${JOINED}*`),
  rule("[dlj]['’]|y['’](?=\\p{L})", undefined, 'i'),
  rule(
    `(?:c['’]est|c['’]mon|s['’]mores|ol['’]|dunkin['’]|somethin['’]|['’]em|['’]til|['’]cause|['’]n)${END}`,
    undefined,
    'i',
  ),
  rule("['’]n['’]", undefined, 'i'),
  rule("['’](?:[2-9]0s|\\d\\d(?=\\s|$))"),
  rule(`'(t)(is|was)${END}`, ([, t, verb]) => [`'${t}`, verb!], 'i'),
  // Addresses, files, tags, emoticons. Lengths are bounded, or a long text would be read to its end from every word.
  rule('https?://[^\\s"<>|(){}]+[^\\s"<>|.!?(){},-]', undefined, 'i'),
  rule('www\\.(?:[^\\s"<>|.!?(){},/]{1,63}\\.)+[a-z]{2,4}(?:/[^\\s"<>|(){}]+[^\\s"<>|.!?(){},-])?', undefined, 'i'),
  rule(
    '(?:[^\\s"\'`<>|.!?(){},\\-_$/]{1,63}\\.)+(?:com|net|org|edu)(?:/[^\\s"<>|(){}]+[^\\s"<>|.!?(){},-])?',
    undefined,
    'i',
  ),
  rule('[\\p{L}\\d][\\p{L}\\d._+-]{0,63}@[\\p{L}\\d-]+(?:\\.[\\p{L}\\d-]+)*'),
  rule(
    '[a-z0-9]+\\.(?:bmp|cpp|dll|docx?|exe|gif|gz|html?|jar|java|jpe?g|mov|mp3|pdf|php|pl|png|ppt|py|sql|tar|txt|wav|xml|zip)',
    undefined,
    'i',
  ),
  rule(`#${LETTER}+|@[A-Za-z_][A-Za-z_0-9]*`),
  rule('&lt;', () => ['<']),
  rule('&gt;', () => ['>']),
  rule('</?[A-Za-z!?][^<>\\n]*>|&#\\d+;'),
  rule(`[:;=]['-]?(?:[()[\\]|]|[DPpO]${END})|\\^_\\^|>_<|-_-`, ([whole]) => [brackets(whole)]),
  rule('\\(\\d{3}\\)\\s?\\d{3}[- .]\\d{4}', ([whole]) => [brackets(whole)]),
  // Symbols: runs stay together, brackets and money have names, one by one otherwise.
  rule('[!?]{2,}|\\*+|#+|_+|<<|>>|-{5,}'),
  rule('-{2,4}', () => ['--']),
  rule(KNOWN_SYMBOL, ([symbol]) => [SYMBOLS.get(symbol) ?? symbol]),
];
