/** What is known of a part whose options are wrong: what holds whatever they were meant to be. */
import { isDeepStrictEqual } from 'node:util';
import type { Problem, Report } from '../manifest/problem.js';
import type { Options } from './plan.js';

/**
 * Asks with each guess of the options, reports what is wrong with all of them, and gives the answers. One is undefined where more is
 * wrong with its guess: there may be a better one.
 */
export async function askWithEach<T>(
  guesses: readonly Options[],
  ask: (options: Options, report: Report) => Promise<T>,
  report: Report,
): Promise<readonly (T | undefined)[]> {
  const answers: { readonly answer: T; readonly problems: readonly Problem[] }[] = [];
  for (const guess of guesses) {
    const problems: Problem[] = [];
    answers.push({ answer: await ask(guess, (problem) => problems.push(problem)), problems });
  }
  const isIn = (problems: readonly Problem[], one: Problem) => problems.some((other) => isDeepStrictEqual(other, one));
  const common = (answers[0]?.problems ?? []).filter((one) => answers.every(({ problems }) => isIn(problems, one)));
  for (const problem of common) report(problem);
  return answers.map(({ answer, problems }) => (problems.length > common.length ? undefined : answer));
}

/** The answer, where all are the same; undefined otherwise, and where there is none. */
export function sameAnswer<T>([first, ...others]: readonly T[]): T | undefined {
  return others.every((other) => isDeepStrictEqual(other, first)) ? first : undefined;
}
