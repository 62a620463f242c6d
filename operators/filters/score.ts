import type { Field } from 'apache-arrow';
import { findField } from '../../pipeline/batch/columns.js';
import { NUMBERS, readNumbers } from '../../pipeline/batch/spans.js';
import { AlignflowError } from '../../pipeline/errors.js';
import { defineFilter } from '../../pipeline/filter.js';

/**
 * Keeps rows whose score is between `min` and `max`, inclusive; at least one of them is given.
 *
 * A score column may say in its field metadata which scorer made it and on which scale: `alignflow.score.name`, `.version`,
 * `.min` and `.max`. A threshold outside of that range is an error before anything runs: 0.28 means one thing on one
 * model's scale and nothing on another's.
 */
export interface Score {
  /** Column of numbers. */
  column: string;
  /** Lowest score kept. A Float32 column compares with the Float32 nearest to it. */
  min?: number;
  /** Highest score kept, compared in the same way. */
  max?: number;
}

export default defineFilter({
  name: 'filter/score',
  defaults: {},
  reads: ({ column }: Score) => ({ [column]: NUMBERS }),
  check: ({ column, min, max }, schema) => {
    if (min === undefined && max === undefined) {
      throw new AlignflowError({
        what: 'neither min nor max is given: every row is kept',
        expected: 'min, max or both',
      });
    }
    if (min !== undefined && max !== undefined && min > max) {
      throw new AlignflowError({
        what: `min is ${min} and max is ${max}: no row is kept`,
        expected: 'min <= max',
        options: ['min', 'max'],
      });
    }
    checkScale(findField(schema, column), { min, max });
  },
  drops: ['null', 'nan', 'low', 'high'],
  measures: ['score'],
  judge: (batch, { column, min, max }, context) => {
    const { values, isNull, round } = readNumbers(batch, column);
    const low = min === undefined ? Number.NEGATIVE_INFINITY : round(min);
    const high = max === undefined ? Number.POSITIVE_INFINITY : round(max);
    return (row) => {
      if (isNull(row)) return 'null';
      const score = values[row]!;
      context.measure('score', score, score > high ? max : min);
      if (score >= low && score <= high) return undefined;
      return score < low ? 'low' : score > high ? 'high' : 'nan';
    };
  },
});

/** Refuses thresholds outside of the range that the column's scorer declares. */
function checkScale(field: Field, thresholds: Readonly<Record<'min' | 'max', number | undefined>>): void {
  const about = (key: string): string | undefined => field.metadata.get(`alignflow.score.${key}`);
  const lowest = Number(about('min') ?? Number.NEGATIVE_INFINITY);
  const highest = Number(about('max') ?? Number.POSITIVE_INFINITY);
  for (const [option, value] of Object.entries(thresholds)) {
    if (value === undefined || (value >= lowest && value <= highest)) continue;
    const scorer = [about('name'), about('version')].filter((part) => part !== undefined).join(' ');
    throw new AlignflowError({
      what: `${option}: ${value} is outside of the scale of the column "${field.name}"`,
      expected: `${lowest} to ${highest}${scorer === '' ? '' : `, the scores of ${scorer}`}`,
      fix: 'set the threshold on the scale of that scorer, or score the rows with the scorer that you mean',
      options: [option],
    });
  }
}
