import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bleu } from '../../../stages/evaluators/bleu.js';
import { captionTokens } from '../../../stages/evaluators/caption-tokens.js';
import { cider } from '../../../stages/evaluators/cider.js';
import { exactMatch } from '../../../stages/evaluators/exact-match.js';
import type { ScoredCaption } from '../../../stages/evaluators/ngrams.js';

// Written by test/reference/captions.py with the scorers of pycocoevalcap.
const reference = JSON.parse(readFileSync(new URL('../../reference/captions.json', import.meta.url), 'utf8')) as {
  captions: ScoredCaption[];
  cider: number;
  ciders: number[];
  bleu: number[];
};

const scored = (candidate: string, ...references: string[]): ScoredCaption => ({
  candidate: captionTokens(candidate),
  references: references.map(captionTokens),
});
const sentence = fc.array(fc.constantFrom('a', 'dog', 'cat', 'sits', 'on', 'the', 'mat'), {
  minLength: 4,
  maxLength: 9,
});

describe('cider', () => {
  it('gives the CIDEr-D of pycocoevalcap, caption by caption', () => {
    const { score, scores } = cider(reference.captions);
    for (const [index, expected] of reference.ciders.entries()) {
      expect(Math.abs(scores[index]! - expected), `caption ${index}`).toBeLessThan(1e-9);
    }
    expect(Math.abs(score - reference.cider)).toBeLessThan(1e-9);
  });

  it('gives 10 to a caption that is its only reference', () => {
    const { scores } = cider([
      scored('a red car on a road', 'a red car on a road'),
      scored('two cats', 'some dogs run'),
    ]);
    expect(scores[0]).toBeCloseTo(10, 9);
    expect(scores[1]).toBe(0);
  });

  it('gives 0 to a single image, whose words are in all references', () => {
    expect(cider([scored('a dog', 'a dog')]).score).toBe(0);
  });

  it('takes captions without words and refuses captions without references', () => {
    expect(cider([scored('', 'a dog'), scored('a cat', '...')]).score).toBe(0);
    expect(cider([]).score).toBeNaN();
    expect(() => cider([scored('a dog')])).toThrow(/caption 0 has no reference/);
  });

  it('is never higher than for a caption that repeats its only reference', () => {
    fc.assert(
      fc.property(sentence, sentence, sentence, (own, other, elsewhere) => {
        const score = (candidate: string[]) =>
          cider([
            { candidate, references: [own] },
            { candidate: elsewhere, references: [elsewhere, ['unlike', 'any', 'other']] },
          ]).scores[0]!;
        expect(score(other)).toBeLessThanOrEqual(score(own) + 1e-9);
      }),
    );
  });

  it('does not depend on the order of images or of references', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray([...reference.captions.keys()], { minLength: reference.captions.length }),
        (order) => {
          const shuffled = order.map((index) => {
            const { candidate, references } = reference.captions[index]!;
            return { candidate, references: [...references].reverse() };
          });
          expect(cider(shuffled).score).toBeCloseTo(reference.cider, 9);
        },
      ),
      { numRuns: 5 },
    );
  });
});

describe('bleu', () => {
  it('gives the BLEU of pycocoevalcap', () => {
    for (const [index, value] of bleu(reference.captions).entries())
      expect(value).toBeCloseTo(reference.bleu[index]!, 12);
  });

  it('takes the shorter of two references that are equally close in length', () => {
    expect(bleu([scored('a b c d', 'a b c', 'a b c d e')])[0]).toBeCloseTo(1, 6);
  });

  it('punishes what is too short', () => {
    expect(bleu([scored('a b', 'a b c d')])[0]).toBeCloseTo(Math.exp(-1), 6);
  });

  it('refuses captions without references', () => {
    expect(() => bleu([scored('a dog')])).toThrow(/caption 0 has no reference/);
  });
});

describe('exactMatch', () => {
  it('is the share of captions that say one of their references', () => {
    const captions = [
      scored('Flag: Côte d’Ivoire.', 'flag of ivory coast', 'flag: Côte d’Ivoire'),
      scored('a "dog"', 'dog', 'A dog!'),
      scored('a dog', 'dog', 'the dog'),
      scored('dog a', 'a dog'),
    ];
    expect(exactMatch(captions)).toBe(0.5);
  });

  it('finds nothing in a caption without words', () => {
    expect(exactMatch([scored('...', '😀')])).toBe(0);
    expect(exactMatch([])).toBeNaN();
  });
});
