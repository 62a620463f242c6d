import { expect, it } from 'vitest';
import { countedTargets, itgTargets } from '../../../stages/losses/itg.js';
import { itmLabels } from '../../../stages/losses/itm.js';
import { valuesOf } from '../models/reference.js';

it('labels the first ceil(B / 2) texts as no match', () => {
  expect([...itmLabels(5)]).toEqual([0, 0, 0, 1, 1]);
  expect([...itmLabels(4)]).toEqual([0, 0, 1, 1]);
  expect([...itmLabels(1)]).toEqual([0]);
});

it('makes each token predict the next one, from the last of the prompt to the end mark', () => {
  // begin, prompt, a, b, end, padding | begin, prompt, end, padding x 3: an empty caption still has its end mark.
  const tokens = Int32Array.of(1, 9, 5, 6, 2, 0, 1, 9, 2, 0, 0, 0);
  const { labels, weights } = itgTargets(tokens, Int32Array.of(4, 2), 2);
  expect([...labels]).toEqual([9, 5, 6, 2, 0, 0, 9, 2, 0, 0, 0, 0]);
  expect([...weights]).toEqual([0, 1, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0]);
});

it('agrees with the targets of the PyTorch reference, whose prompt is two tokens', () => {
  const of = (name: string) => valuesOf(`inputs/itg/${name}`);
  const { labels, weights } = itgTargets(of('tokens') as Int32Array, of('ends') as Int32Array, 2);
  expect(labels).toEqual(of('labels'));
  expect(weights).toEqual(of('weights'));
});

it('leaves out the positions that do not count, up to one of eight sizes', () => {
  const weights = new Float32Array(32);
  const labels = Int32Array.from(weights.keys(), (row) => 100 + row);
  weights.fill(1, 3, 5).fill(1, 20, 23);
  const counted = countedTargets({ labels, weights });
  expect([...counted.rows]).toEqual([3, 4, 20, 21, 22, 0, 0, 0]);
  expect([...counted.labels]).toEqual([103, 104, 120, 121, 122, 100, 100, 100]);
  expect([...counted.weights]).toEqual([1, 1, 1, 1, 1, 0, 0, 0]);
  const sizes = Array.from({ length: 33 }, (_, n) =>
    countedTargets({ labels, weights: weights.fill(0).fill(1, 0, n) }),
  );
  expect(new Set(sizes.map(({ rows }) => rows.length))).toEqual(new Set([4, 8, 12, 16, 20, 24, 28, 32]));
});
