import { expect, it } from 'vitest';
import { itgTargets } from '../../../stages/losses/itg.js';
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
