import { Field, LargeUtf8, Schema, Utf8, vectorFromArray } from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import captionLength from '../../../operators/filters/caption-length.js';
import { countCharacters, countWords } from '../../../operators/text/utf8.js';
import { batchOf, utf8Column } from '../../../pipeline/batch/build.js';
import { randomBatches } from '../../kit/batches.js';
import { describeConformance } from '../../kit/conformance.js';
import { declare, runOperator, valuesOf } from '../run-operator.js';

const batches = randomBatches(new Schema([new Field('caption', new Utf8(), true)]), { sizes: [30, 0, 20] });
describeConformance(captionLength, { batches }, { describe, it });

const encoder = new TextEncoder();
/** Every code point of Unicode's White_Space property, by the engine's own table. */
const SPACES = Array.from({ length: 0x3001 }, (_, code) => String.fromCodePoint(code)).filter((character) =>
  /\p{White_Space}/u.test(character),
);

describe('filter/caption-length', () => {
  it('keeps captions at both bounds and says why the others go', async () => {
    const captions = ['a', 'a b', 'a b c', 'a b c d', null, '', '  a  b  '];
    const { out, context, reasons } = await runOperator(captionLength, { min: 2, max: 3 }, [
      batchOf({ caption: utf8Column(captions) }),
    ]);
    expect(valuesOf(out, 'caption')).toEqual(['a b', 'a b c', '  a  b  ']);
    expect(reasons).toEqual(['short', 'long', 'null', 'short']);
    expect(context.measured.map(({ value }) => value)).toEqual([1, 2, 3, 4, 0, 2]);
  });

  it('counts characters as code points, without the white space around', async () => {
    const captions = ['猫と犬', '👩‍🚀', ' ab ', 'é'];
    const { context } = await runOperator(captionLength, { unit: 'characters', min: 0 }, [
      batchOf({ caption: utf8Column(captions) }),
    ]);
    expect(context.measured).toEqual([3, 3, 2, 1].map((value) => ({ name: 'characters', value, threshold: 77 })));
  });

  it('counts as a regular expression over strings does, for any text', () => {
    expect(SPACES.length).toBe(25);
    const piece = fc.oneof(
      fc.constantFrom(...SPACES),
      fc.string({ unit: 'grapheme', maxLength: 5 }),
      fc.constant('\ufeff'),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('');
        const bytes = encoder.encode(`x${text}x`);
        const words = text.split(/\p{White_Space}+/u).filter((word) => word !== '');
        expect(countWords(bytes, 1, bytes.length - 1)).toBe(words.length);
        const trimmed = text.replace(/^\p{White_Space}+|\p{White_Space}+$/gu, '');
        expect(countCharacters(bytes, 1, bytes.length - 1)).toBe([...trimmed].length);
      }),
      { seed: 7, numRuns: 500 },
    );
  });

  it('reads large_utf8 columns', async () => {
    const caption = vectorFromArray(['one', 'two words'], new LargeUtf8());
    const { out } = await runOperator(captionLength, { min: 2 }, [batchOf({ caption })]);
    expect(valuesOf(out, 'caption')).toEqual(['two words']);
  });

  it('refuses bounds that keep nothing when planned', () => {
    const batch = batchOf({ caption: utf8Column([]) });
    expect(declare(captionLength, {}, batch)).toEqual(['caption: Utf8']);
    expect(() => declare(captionLength, { min: 5, max: 4 }, batch)).toThrow('min is 5 and max is 4');
  });
});
