import { Utf8 } from 'apache-arrow';
import { defer, map } from 'rxjs';
import { readColumn } from '../../pipeline/batch/column.js';
import { keepRows } from '../../pipeline/batch/select.js';
import { AlignflowError } from '../../pipeline/errors.js';
import { mapAsync } from '../../pipeline/graph/map-async.js';
import { defineOperator } from '../../pipeline/operator.js';
import type { LanguageDetector } from '../text/language.js';
import { LANGUAGES } from '../text/script.js';

/**
 * Keeps rows whose text is in one of some languages. The language comes from a column that has it, or else is detected.
 *
 * Detection of short text: the script alone decides for Japanese with Kana, Korean, Thai and others; Chinese, Russian, Arabic
 * and Hindi are preferred where a script has several languages and the text says no more. One or two words in Latin letters
 * are a guess; name the languages that occur in `among`, or drop guesses by `confidence`.
 */
export interface Language {
  /** Text column whose language is detected. Not read when `language` names a column. */
  column: string;
  /** Languages kept, as ISO 639-1 codes: `[en, ja]`. */
  keep: readonly string[];
  /** Column that has the language of each row as such a code. */
  language?: string;
  /** Languages that occur in the data at all, when detecting; every known one when empty. */
  among: readonly string[];
  /** Lowest confidence of a detected language; a text below it is `unsure`. @minimum 0 @maximum 1 */
  confidence: number;
}

export default defineOperator({
  name: 'filter/language',
  defaults: { column: 'caption', among: [], confidence: 0 },
  reads: ({ column, language }: Language) => ({ [language ?? column]: new Utf8() }),
  writes: (schema, config) => {
    checkLanguages(config);
    return schema;
  },
  drops: ['null', 'unsure', 'other'],
  measures: ['confidence'],
  carries: 'nothing',
  run: (config, context) => {
    const keep = new Set(config.keep);
    const { language, column, among, confidence: least } = config;
    if (language !== undefined)
      return map((batch) => {
        const languages = readColumn(batch, language, Utf8);
        return keepRows(batch, context, (row) => {
          const found = languages.get(row);
          return found === null ? 'null' : keep.has(found) ? undefined : 'other';
        });
      });
    // The detector's tables take half a second to load: they are when the first batch is there, not when a manifest is checked.
    return (batches) =>
      defer(() => {
        let loading: Promise<LanguageDetector> | undefined;
        let detect: LanguageDetector | undefined;
        return batches.pipe(
          mapAsync(context, async (batch) => {
            loading ??= import('../text/language.js').then(({ createLanguageDetector }) =>
              createLanguageDetector(among),
            );
            detect = await loading;
            return batch;
          }),
          map((batch) => {
            const texts = readColumn(batch, column, Utf8);
            return keepRows(batch, context, (row) => {
              const text = texts.get(row);
              if (text === null) return 'null';
              const detected = detect!(text);
              context.measure('confidence', detected?.confidence ?? 0, least);
              if (detected === undefined || detected.confidence < least) return 'unsure';
              return keep.has(detected.language) ? undefined : 'other';
            });
          }),
        );
      });
  },
});

function checkLanguages({ keep, language, among }: Language): void {
  if (keep.length === 0) {
    throw new AlignflowError({
      what: 'keep is empty: no row is kept',
      expected: 'at least one language',
      options: ['keep'],
    });
  }
  if (language !== undefined) return;
  for (const [option, codes] of Object.entries({ keep, among })) {
    const unknown = codes.findIndex((code) => !LANGUAGES.includes(code));
    if (unknown < 0) continue;
    throw new AlignflowError({
      what: `the language "${codes[unknown]}" cannot be detected`,
      expected: `one of: ${LANGUAGES.join(', ')}`,
      options: [`${option}[${unknown}]`],
    });
  }
  const left = keep.findIndex((code) => among.length > 0 && !among.includes(code));
  if (left < 0) return;
  throw new AlignflowError({
    what: `keep names "${keep[left]}", and among does not`,
    options: [`keep[${left}]`],
    expected: 'every language of keep among those that occur',
  });
}
