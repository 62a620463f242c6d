import { readSpans, TEXT } from '../../pipeline/batch/spans.js';
import { AlignflowError } from '../../pipeline/errors.js';
import { defineFilter } from '../../pipeline/filter.js';
import { countCharacters, countWords } from '../text/utf8.js';

/** Keeps rows whose caption has between `min` and `max` words or characters, inclusive. */
export interface CaptionLength {
  /** Text column to measure. */
  column: string;
  /** What is counted: words between white space, or characters (code points). Chinese and Japanese need characters. */
  unit: 'words' | 'characters';
  /** Fewest kept. @minimum 0 @integer */
  min: number;
  /** Most kept. @minimum 1 @integer */
  max: number;
}

export default defineFilter({
  name: 'filter/caption-length',
  defaults: { column: 'caption', unit: 'words', min: 3, max: 77 },
  reads: ({ column }: CaptionLength) => ({ [column]: TEXT }),
  check: ({ min, max }) => {
    if (min <= max) return;
    throw new AlignflowError({
      what: `min is ${min} and max is ${max}: no caption is kept`,
      expected: 'min <= max',
      options: ['min', 'max'],
    });
  },
  drops: ['null', 'short', 'long'],
  measures: ['words', 'characters'],
  judge: (batch, { column, unit, min, max }, context) => {
    const { values, offsets, isNull } = readSpans(batch, column);
    const count = unit === 'words' ? countWords : countCharacters;
    return (row) => {
      if (isNull(row)) return 'null';
      const length = count(values, offsets[row]!, offsets[row + 1]!);
      context.measure(unit, length, length < min ? min : max);
      return length < min ? 'short' : length > max ? 'long' : undefined;
    };
  },
});
