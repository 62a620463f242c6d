import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { captionTokens } from '../../../stages/evaluators/caption-tokens.js';

// Written by test/reference/captions.py with the tokenizer of pycocoevalcap (Stanford CoreNLP 3.4.1, Java).
const { captions } = JSON.parse(
  readFileSync(new URL('../../reference/caption-tokens.json', import.meta.url), 'utf8'),
) as {
  captions: [caption: string, tokens: string][];
};

describe('captionTokens', () => {
  it.each(captions)('cuts as coco-caption does: %s', (caption, tokens) => {
    expect(captionTokens(caption)).toEqual(tokens.split(/\s+/).filter((token) => token !== ''));
  });

  it('differs from coco-caption where the file says so', () => {
    expect(captionTokens('ਪੰਜਾਬੀ')).toEqual(['ਪੰਜਾਬੀ']);
    expect(captionTokens('2020/12/25')).toEqual(['2020/12/25']);
  });

  it('gives words in lower case without spaces for any text', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0x10ffff), { maxLength: 40 }), (points) => {
        const text = String.fromCodePoint(...points);
        expect(captionTokens(text).filter((token) => !/^\S+$/u.test(token) || token !== token.toLowerCase())).toEqual(
          [],
        );
      }),
    );
  });

  it('does not depend on the spaces around', () => {
    fc.assert(
      fc.property(fc.constantFrom(...captions), ([caption]) => {
        expect(captionTokens(`  ${caption}\n`)).toEqual(captionTokens(caption));
      }),
    );
  });

  it('takes a long hostile text in its stride', () => {
    expect(captionTokens('a-'.repeat(5000)).length).toBe(1);
    expect(captionTokens('<'.repeat(5001)).length).toBe(2501);
    expect(captionTokens('日本、'.repeat(5000)).length).toBe(10_000);
  });
});
