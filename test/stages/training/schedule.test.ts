import { describe, expect, it } from 'vitest';
import { checkSchedule, learningRateFactor, type Schedule } from '../../../stages/training/schedule.js';

/** Factors of all steps, the one after the last too. */
const factors = (schedule: Schedule) =>
  Array.from({ length: schedule.steps + 1 }, (_, step) => learningRateFactor(schedule, step));

const cosine = { shape: 'cosine' } as const;

describe('learningRateFactor', () => {
  it.each([
    [cosine, [0.25, 0.5, 0.75, 1, 1, 0.8535533905932737, 0.5, 0.14644660940672627, 0]],
    [{ shape: 'polynomial' }, [0.25, 0.5, 0.75, 1, 1, 0.75, 0.5, 0.25, 0]],
    [{ shape: 'polynomial', power: 2, floor: 0.2 }, [0.25, 0.5, 0.75, 1, 1, 0.65, 0.4, 0.25, 0.2]],
    [{ shape: 'constant' }, [0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1]],
  ] as const)('warms up in a line and goes on: %j', (decay, expected) => {
    factors({ steps: 8, warmup: 4, decay }).forEach((factor, i) => {
      expect(factor).toBeCloseTo(expected[i]!, 12);
    });
  });

  it('starts at the peak without warm-up and ends at the floor', () => {
    const schedule = { steps: 10, warmup: 0, decay: { ...cosine, floor: 0.2 } };
    expect(learningRateFactor(schedule, 0)).toBe(1);
    expect(learningRateFactor(schedule, 5)).toBeCloseTo(0.6, 12);
    expect(learningRateFactor(schedule, 10)).toBeCloseTo(0.2, 12);
    expect(learningRateFactor(schedule, 50)).toBeCloseTo(0.2, 12);
  });
});

describe('checkSchedule', () => {
  it.each([
    [{ steps: 0, warmup: 0, decay: cosine }, 'a training run of 0 steps'],
    [{ steps: 2.5, warmup: 0, decay: cosine }, 'a training run of 2.5 steps'],
    [{ steps: 10, warmup: 10, decay: cosine }, 'a warm-up of 10 steps in a run of 10'],
    [{ steps: 10, warmup: -1, decay: cosine }, 'a warm-up of -1 steps'],
    [{ steps: 10, warmup: 1, decay: { ...cosine, floor: 1.1 } }, 'a learning-rate floor of 1.1'],
    [{ steps: 10, warmup: 1, decay: { ...cosine, floor: Number.NaN } }, 'a learning-rate floor of NaN'],
    [{ steps: 10, warmup: 1, decay: { shape: 'polynomial', power: 0 } as const }, 'a polynomial of power 0'],
  ])('refuses %j', (schedule, message) => {
    expect(() => checkSchedule(schedule)).toThrow(message);
  });
});
