/** What is added to an attention product that must not count. Finite, so that a row in which nothing counts gives no NaN. */
export const hidden = -1e9;

/** The three ways in which queries and text see each other in the generative stage, in the order of their sequences. */
export const views = ['itm', 'itc', 'itg'] as const;

/** One of the three text views of the generative stage. */
export type View = (typeof views)[number];

/**
 * Mask [T, T] in which a token sees itself and those before it. Row: the token that asks; column: the one that answers.
 */
export function causalMask(tokens: number): Float32Array {
  return fillMask(tokens, (asks, answers) => answers <= asks);
}

/**
 * Mask [Q + L, Q + L] of one view, Q queries in front of L text tokens; padding is not part of it.
 * - `itm`: everything sees everything.
 * - `itc`: queries see queries, text sees text causally, neither sees the other.
 * - `itg`: queries see queries; text sees the queries, and text causally.
 */
export function viewMask(view: View, queries: number, length: number): Float32Array {
  return fillMask(queries + length, (asks, answers) => {
    if (view === 'itm') return true;
    if (asks < queries) return answers < queries;
    return answers < queries ? view === 'itg' : answers <= asks;
  });
}

function fillMask(tokens: number, sees: (asks: number, answers: number) => boolean): Float32Array {
  const mask = new Float32Array(tokens * tokens);
  for (let asks = 0; asks < tokens; asks++) {
    for (let answers = 0; answers < tokens; answers++) {
      if (!sees(asks, answers)) mask[asks * tokens + answers] = hidden;
    }
  }
  return mask;
}
