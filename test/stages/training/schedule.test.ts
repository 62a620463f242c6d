import { describe, expect, it } from 'vitest';
import { checkSchedule, warmupCosine } from '../../../stages/training/schedule.js';

describe('warmupCosine', () => {
  it('warms up in a line and falls to zero in half a cosine', () => {
    const factors = Array.from({ length: 9 }, (_, step) => warmupCosine({ steps: 8, warmup: 4 }, step));
    const expected = [0.25, 0.5, 0.75, 1, 1, 0.8535533905932737, 0.5, 0.14644660940672627, 0];
    factors.forEach((factor, i) => {
      expect(factor).toBeCloseTo(expected[i]!, 12);
    });
  });

  it('starts at the peak without warm-up and ends at the floor', () => {
    const schedule = { steps: 10, warmup: 0, floor: 0.2 };
    expect(warmupCosine(schedule, 0)).toBe(1);
    expect(warmupCosine(schedule, 5)).toBeCloseTo(0.6, 12);
    expect(warmupCosine(schedule, 10)).toBeCloseTo(0.2, 12);
    expect(warmupCosine(schedule, 50)).toBeCloseTo(0.2, 12);
  });
});

describe('checkSchedule', () => {
  it.each([
    [{ steps: 0, warmup: 0 }, 'a training run of 0 steps'],
    [{ steps: 2.5, warmup: 0 }, 'a training run of 2.5 steps'],
    [{ steps: 10, warmup: 10 }, 'a warm-up of 10 steps in a run of 10'],
    [{ steps: 10, warmup: -1 }, 'a warm-up of -1 steps'],
    [{ steps: 10, warmup: 1, floor: 1.1 }, 'a learning-rate floor of 1.1'],
    [{ steps: 10, warmup: 1, floor: Number.NaN }, 'a learning-rate floor of NaN'],
  ])('refuses %j', (schedule, message) => {
    expect(() => checkSchedule(schedule)).toThrow(message);
  });
});
