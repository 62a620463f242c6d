import { expect, it } from 'vitest';
import { BeamSearch } from '../../../stages/models/beam-search.js';

/** Four tokens, of which 3 is the end mark. */
const vocabulary = 4;

it('follows the best beams, ends captions among the first, and takes the best mean', () => {
  const search = new BeamSearch(1, 2, 3);
  // The end mark is second best at once: an empty caption of mean -1.5 has ended. Tokens 0 and 2 live on.
  search.advance({ scores: [-1, -1.5, -2, -4], choices: [0, 3, 2, 1], vocabulary });
  expect([search.tokens, search.sources, search.scores]).toEqual([
    [0, 2],
    [0, 0],
    [-1, -2],
  ]);
  expect(search.finished).toBe(false);
  // Best is beam 1 (token 2) with token 1, then beam 0 with the end mark: [0] of mean -2.6 / 2 ends and wins.
  search.advance({ scores: [-2.5, -2.6, -3, -3.5], choices: [vocabulary + 1, 3, 2, 0], vocabulary });
  expect([search.tokens, search.sources]).toEqual([
    [1, 2],
    [1, 0],
  ]);
  expect(search.finished).toBe(true);
  expect(search.best()).toEqual([[0]]);
});

it('lets no end mark below the first ranks end a caption', () => {
  const search = new BeamSearch(1, 1, 3);
  search.advance({ scores: [-1, -1.1], choices: [1, 3], vocabulary });
  expect(search.finished).toBe(false);
  expect(search.best()).toEqual([[1]]);
});

it('keeps images apart', () => {
  const search = new BeamSearch(2, 1, 3);
  search.advance({ scores: [-1, -2, -1, -2], choices: [3, 1, 2, 1], vocabulary });
  expect([search.tokens, search.sources, search.finished]).toEqual([[1, 2], [0, 1], false]);
  search.advance({ scores: [-1, -9, -3, -4], choices: [3, 0, 3, 1], vocabulary });
  expect(search.finished).toBe(true);
  expect(search.best()).toEqual([[], [2]]);
});
