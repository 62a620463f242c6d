import { totalmem } from 'node:os';
import { describe, expect, it } from 'vitest';
import { checkMemory, memoryThereIs, predictedBytes } from '../../../stages/training/memory.js';

describe('memory of a training step', () => {
  // Variables and peak as the recorded steps tell them, and the peak that was measured: `node contrastive-step.js`, 2 cores.
  it.each([
    ['tiny, bf16', 54e6, 86e6, 797e6],
    ['small, half masked, bf16', 724e6, 666e6, 2.31e9],
    ['small, bf16', 724e6, 1.115e9, 2.956e9],
    ['small, half masked, fp32', 724e6, 1.307e9, 3.05e9],
    ['small, 128 rows in chunks of 32', 905e6, 666e6, 2.93e9],
  ])('is predicted to 15 %%: %s', (_, variables, peak, measured) => {
    expect(Math.abs(predictedBytes({ variables, peak }) / measured - 1)).toBeLessThan(0.15);
  });

  it('is refused when there is not enough, with the rows that fit', () => {
    const memory = { variables: 1e9, peak: 8e9 };
    expect(() => checkMemory(memory, 64, 11e9)).not.toThrow();
    expect(() => checkMemory(memory, 64, 6.43e9)).toThrow(
      'a step of 64 rows needs about 10.9 GB of memory\n  expected: at most the 6.43 GB that there are\n  to do: take 32 rows in order/batch, or set `chunk` of a contrastive stage to 32',
    );
    expect(() => checkMemory(memory, 64, 1e9)).toThrow('take a smaller model, or a machine with more memory');
  });

  it('is at most that of the machine', () => {
    expect(memoryThereIs()).toBeGreaterThan(0);
    expect(memoryThereIs()).toBeLessThanOrEqual(totalmem());
  });
});
