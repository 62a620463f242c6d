import { totalmem } from 'node:os';
import { describe, expect, it } from 'vitest';
import { checkMemory, memoryThereIs, predictedBytes } from '../../../stages/training/memory.js';

describe('memory of a training step', () => {
  // Tensors as the recorded steps tell them, parameters, and the peak that was measured: `node contrastive-step.js`, 2 cores.
  it.each([
    ['tiny, bf16', 220e6, 13.6e6, 886e6],
    ['small, half masked, bf16', 2.24e9, 181e6, 3.212e9],
    ['small, bf16', 3.59e9, 181e6, 4.475e9],
    ['small, half masked, fp32', 2.4e9, 181e6, 3.271e9],
    ['small, 128 rows in chunks of 32', 2.42e9, 181e6, 3.51e9],
  ])('is predicted to 15 %%: %s', (_, tensors, parameters, measured) => {
    const predicted = predictedBytes({ variables: 0, peak: tensors }, parameters);
    expect(Math.abs(predicted / measured - 1)).toBeLessThan(0.15);
  });

  it('is refused when there is not enough, with the rows that fit', () => {
    const memory = { variables: 1e9, peak: 8e9 };
    expect(() => checkMemory(memory, 0, 64, 10e9)).not.toThrow();
    expect(() => checkMemory(memory, 0, 64, 5.65e9)).toThrow(
      'a step of 64 rows needs about 9.65 GB of memory\n  expected: at most the 5.65 GB that there are\n  to do: take 32 rows in order/batch, or set `chunk` of a contrastive stage to 32',
    );
    expect(() => checkMemory(memory, 0, 64, 1e9)).toThrow('take a smaller model, or a machine with more memory');
  });

  it('is at most that of the machine', () => {
    expect(memoryThereIs()).toBeGreaterThan(0);
    expect(memoryThereIs()).toBeLessThanOrEqual(totalmem());
  });
});
