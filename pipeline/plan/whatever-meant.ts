/** What is known of a part whose options are wrong: what does not depend on those, or holds whatever they were meant to be. */
import { isDeepStrictEqual } from 'node:util';
import { type Problem, problemKey, type Report } from '../manifest/problem.js';
import type { Looks } from './doubt.js';
import type { Options } from './plan.js';

/** What options may have been meant to be. */
export interface Guess {
  /** Texts, lists and maps in it that are wrong have no value, and throw when they are looked at. */
  readonly options: Options;
  readonly looks: Looks;
}

/**
 * Asks with each guess of the options, reports what is wrong with all of them, and gives the answers. One is undefined where more is
 * wrong with its guess: there may be a better one.
 */
export async function askWithEach<T>(
  guesses: readonly Guess[],
  ask: (guess: Guess, report: Report) => Promise<T>,
  report: Report,
): Promise<readonly (T | undefined)[]> {
  const answers: { readonly answer: T; readonly problems: ReadonlyMap<string, Problem> }[] = [];
  for (const guess of guesses) {
    const problems = new Map<string, Problem>();
    answers.push({ answer: await ask(guess, (problem) => problems.set(problemKey(problem), problem)), problems });
  }
  const common = [...(answers[0]?.problems ?? [])].filter(([key]) =>
    answers.every(({ problems }) => problems.has(key)),
  );
  for (const [, problem] of common) report(problem);
  return answers.map(({ answer, problems }) => (problems.size > common.length ? undefined : answer));
}

/** The answer, where all are the same; undefined otherwise, and where there is none. */
export function sameAnswer<T>([first, ...others]: readonly T[]): T | undefined {
  return others.every((other) => isDeepStrictEqual(other, first)) ? first : undefined;
}
