import { describe, expect, it } from 'vitest';
import { withNegatives } from '../../../stages/losses/itm.js';

/** Texts of two tokens, the first of which tells them apart. */
function texts(...firsts: number[]) {
  return {
    ids: Int32Array.from(firsts.flatMap((first) => [first, 2])),
    lengths: Int32Array.from(firsts, (first) => (first === 9 ? 1 : 2)),
    batch: firsts.length,
    length: 2,
  };
}

/** The first token of each text, and what counts. */
function mixed(firsts: number[], shift: number) {
  const { texts: result, weights } = withNegatives(texts(...firsts), shift);
  return {
    firsts: [...result.ids].filter((_, i) => i % 2 === 0),
    lengths: [...result.lengths],
    weights: [...weights],
  };
}

describe('withNegatives', () => {
  it('gives the first half, rounded up, the text of another row, with its length', () => {
    expect(mixed([4, 9, 6, 7, 8], 0)).toEqual({
      firsts: [9, 6, 7, 7, 8],
      lengths: [1, 2, 2, 2, 2],
      weights: [1, 1, 1, 1, 1],
    });
    expect(mixed([4, 5, 6, 7, 8], 3).firsts).toEqual([8, 4, 5, 7, 8]);
  });

  it('passes over rows with the same text', () => {
    expect(mixed([4, 4, 6, 4], 0)).toMatchObject({ firsts: [6, 6, 6, 4], weights: [1, 1, 1, 1] });
    expect(mixed([4, 6, 4, 4], 2)).toMatchObject({ firsts: [6, 4, 4, 4], weights: [1, 1, 1, 1] });
  });

  it('leaves out rows for which the batch has no other text', () => {
    expect(mixed([4], 0)).toEqual({ firsts: [4], lengths: [2], weights: [0] });
    expect(mixed([4, 4, 4, 4], 1).weights).toEqual([0, 0, 1, 1]);
  });

  it('leaves its input alone', () => {
    const own = texts(4, 5, 6);
    withNegatives(own, 1);
    expect(own).toEqual(texts(4, 5, 6));
  });
});
