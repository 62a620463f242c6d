import { describe, expect, it } from 'vitest';
import type { StepMetrics } from '../../../pipeline/metrics.js';
import { createHistory } from '../../../stages/training/history.js';

const step = (n: number, loss = 1 / n): StepMetrics => ({
  kind: 'step',
  step: n,
  samples: 16,
  values: { loss, learning_rate: n / 10 },
});

describe('history', () => {
  it('comes back from a checkpoint as it was, to the last digit', () => {
    const history = createHistory(undefined);
    for (const n of [1, 2, 3]) history.add(step(n));
    const stored = JSON.parse(JSON.stringify(history.with(step(4)))) as unknown;
    expect(createHistory(stored).last(10)).toEqual([1, 2, 3, 4].map((n) => step(n)));
    // The step of the checkpoint itself is emitted after it.
    expect(history.last(10)).toHaveLength(3);
  });

  it('keeps losses that were not finite as such', () => {
    const history = createHistory(undefined);
    history.add(step(1, Number.NaN));
    const stored = JSON.parse(JSON.stringify(history.with(step(2, Number.POSITIVE_INFINITY)))) as unknown;
    expect(
      createHistory(stored)
        .last(2)
        .map(({ values }) => values.loss),
    ).toEqual([Number.NaN, Number.NaN]);
  });

  it('gives the last steps, or none', () => {
    const history = createHistory(null);
    expect(history.last(5)).toEqual([]);
    for (const n of [1, 2, 3]) history.add(step(n));
    expect(history.last(2).map((metrics) => metrics.step)).toEqual([2, 3]);
    expect(history.last(0)).toEqual([]);
  });
});
