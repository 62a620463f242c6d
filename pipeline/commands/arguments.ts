import { InvalidArgumentError } from 'commander';

/** A whole number of an option, 0 or more. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && text.trim() !== '') return value;
  throw new InvalidArgumentError('a whole number, 0 or more');
}

/** A number of rows of an option, 1 or more. */
export const rowCount = (text: string): number => countOf('rows', text);

/** A number of steps of an option, 1 or more. */
export const stepCount = (text: string): number => countOf('steps', text);

function countOf(things: string, text: string): number {
  const value = wholeNumber(text);
  if (value > 0) return value;
  throw new InvalidArgumentError(`a number of ${things}, 1 or more`);
}
