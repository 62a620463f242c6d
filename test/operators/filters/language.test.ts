import { describe, expect, it } from 'vitest';
import language from '../../../operators/filters/language.js';
import { createLanguageDetector } from '../../../operators/text/language.js';
import { batchOf, utf8Column } from '../../../pipeline/batch/build.js';
import { describeConformance } from '../../kit/conformance.js';
import { declare, runOperator, valuesOf } from '../run-operator.js';

/** Captions a sentence long, and names of two or three words. */
const TEXTS = {
  en: ['A black cat is sleeping on the red sofa in the living room', 'smiling face with open mouth'],
  de: ['Eine schwarze Katze schläft auf dem roten Sofa im Wohnzimmer', 'grinsendes Gesicht mit großen Augen'],
  it: ['Un gatto nero dorme sul divano rosso del soggiorno', 'faccina con un gran sorriso'],
  es: ['Un gato negro duerme en el sofá rojo de la sala', 'cara sonriendo con los ojos abiertos'],
  zh: ['一只黑猫睡在客厅的红沙发上', '笑脸'],
  ja: ['黒い猫が居間の赤いソファで眠っている', 'にっこり笑う'],
  ar: ['قطة سوداء تنام على الأريكة الحمراء في غرفة المعيشة', 'وجه ضاحك'],
  hi: ['एक काली बिल्ली लाल सोफे पर सो रही है', 'मुस्कुराता चेहरा'],
  ru: ['Чёрная кошка спит на красном диване в гостиной', 'ухмыляется во весь рот'],
} as const;
const codes = Object.keys(TEXTS) as (keyof typeof TEXTS)[];

const rows = codes.flatMap((code) => TEXTS[code]);
describeConformance(
  language,
  { config: { keep: ['en', 'ja'] }, batches: [batchOf({ caption: utf8Column([...rows, null, '', '123', '🚀']) })] },
  { describe, it },
);

describe('createLanguageDetector', () => {
  it.each(codes)('tells %s, a sentence and a few words', (code) => {
    const detect = createLanguageDetector([]);
    const among = createLanguageDetector(codes);
    for (const text of TEXTS[code]) {
      expect(detect(text)?.language).toBe(code);
      expect(among(text)?.language).toBe(code);
    }
  });

  it('is certain where the script leaves no choice', () => {
    const detect = createLanguageDetector([]);
    expect(detect('猫です')).toEqual({ language: 'ja', confidence: 1 });
    expect(detect('고양이')).toEqual({ language: 'ko', confidence: 1 });
    expect(createLanguageDetector(['en', 'zh'])('猫')).toEqual({ language: 'zh', confidence: 1 });
    expect(createLanguageDetector(['ru', 'en'])('кот')).toEqual({ language: 'ru', confidence: 1 });
  });

  it('takes the commonest language of the script, at confidence 0, where there is no evidence', () => {
    expect(createLanguageDetector(['de', 'en'])('xq')).toEqual({ language: 'en', confidence: 0 });
  });

  it('takes Han without Kana for Chinese, more surely the longer it is', () => {
    const detect = createLanguageDetector([]);
    expect(detect('笑')).toEqual({ language: 'zh', confidence: 0.5 });
    expect(detect('红色苹果')).toEqual({ language: 'zh', confidence: 0.8 });
    expect(createLanguageDetector(['ja', 'en'])('東京')).toEqual({ language: 'ja', confidence: 1 });
  });

  it('goes by the script that most letters have', () => {
    const detect = createLanguageDetector(['en', 'zh', 'ja']);
    expect(detect('iPhone 手机壳 红色 透明 全新 正品')?.language).toBe('zh');
    expect(detect('The kanji 猫 means cat')?.language).toBe('en');
  });

  it('knows nothing of text without letters', () => {
    const detect = createLanguageDetector([]);
    for (const text of ['', '   ', '12 34', '🚀🚀', '!?']) expect(detect(text)).toBeUndefined();
  });
});

describe('filter/language', () => {
  it('keeps rows of the languages, and calls text without letters unsure', async () => {
    const caption = utf8Column([TEXTS.en[0], TEXTS.ja[0], TEXTS.de[0], null, '123']);
    const { out, reasons, context } = await runOperator(language, { keep: ['en', 'ja'] }, [batchOf({ caption })]);
    expect(valuesOf(out, 'caption')).toEqual([TEXTS.en[0], TEXTS.ja[0]]);
    expect(reasons).toEqual(['other', 'null', 'unsure']);
    expect(context.measured.every(({ value }) => value >= 0 && value <= 1)).toBe(true);
  });

  it('drops guesses below a confidence', async () => {
    const batch = batchOf({ caption: utf8Column(['ok', TEXTS.en[0]]) });
    const { reasons } = await runOperator(language, { keep: ['en'], among: ['en', 'fr'], confidence: 0.7 }, [batch]);
    expect(reasons).toEqual(['unsure']);
  });

  it('compares a column of languages where it is named', async () => {
    const batch = batchOf({ lang: utf8Column(['en', 'tlh', null]) });
    const { out, reasons } = await runOperator(language, { language: 'lang', keep: ['tlh'] }, [batch]);
    expect(valuesOf(out, 'lang')).toEqual(['tlh']);
    expect(reasons).toEqual(['other', 'null']);
  });

  it('refuses languages that cannot be told, when planned', () => {
    const batch = batchOf({ caption: utf8Column([]) });
    expect(() => declare(language, { keep: ['tlh'] }, batch)).toThrow('"tlh" cannot be detected');
    expect(() => declare(language, { keep: [] }, batch)).toThrow('keep is empty');
    expect(() => declare(language, { keep: ['en'], among: ['de'] }, batch)).toThrow(
      'keep names "en", and among does not',
    );
    expect(declare(language, { language: 'caption', keep: ['tlh'] }, batch)).toEqual(['caption: Utf8']);
  });
});
