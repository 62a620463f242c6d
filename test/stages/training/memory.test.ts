import { totalmem } from 'node:os';
import { describe, expect, it } from 'vitest';
import { memoryThereIs } from '../../../stages/backend/machine-memory.js';
import { modelConfig } from '../../../stages/models/sizes.js';
import { checkMemory, checkVariables, predictedBytes } from '../../../stages/training/memory.js';
import type { OptimiserOptions } from '../../../stages/training/optimisers/create.js';
import type { Recipe } from '../../../stages/training/recipe.js';

/** Trains all parameters, or only the logit scale. */
function recipe(optimiser: OptimiserOptions, others: 1 | 'frozen' = 1): Recipe {
  const groups = [
    { match: ['logit_scale'], learningRate: 1, weightDecay: 0 },
    { match: ['**'], learningRate: others, weightDecay: 0 },
  ];
  return { steps: 1, groups, optimiser, warmup: 0, clipNorm: 1 };
}

describe('memory of a training step', () => {
  // Variables and resident bytes as the recorded steps tell them, and the peak that was measured: `node contrastive-step.js`, 2 cores.
  it.each([
    ['tiny, bf16', 50e6, 137e6, 779e6],
    ['small, half masked, bf16', 602e6, 1.481e9, 2.31e9],
    ['small, bf16', 602e6, 2.107e9, 2.94e9],
    ['small, half masked, fp32', 602e6, 2.135e9, 2.98e9],
    ['small, half masked, 128 rows in chunks of 32', 784e6, 1.637e9, 2.667e9],
    ['small, checkpointed, bf16', 602e6, 1.23e9, 2.13e9],
    ['small, checkpointed, fp32', 602e6, 1.237e9, 2.19e9],
    ['small, checkpointed, 128 rows', 602e6, 1.941e9, 3.31e9],
    ['small, half masked, checkpointed, 128 rows in chunks of 32', 784e6, 1.175e9, 2.35e9],
  ])('is predicted to 15 %%: %s', (_, variables, resident, measured) => {
    expect(Math.abs(predictedBytes({ variables, peak: 0, resident }) / measured - 1)).toBeLessThan(0.15);
  });

  it('is refused for the variables alone where these do not fit', () => {
    const model = modelConfig('internvl-14b');
    const adamw = recipe({ name: 'adamw' });
    expect(() => checkVariables(model, adamw, 300e9)).not.toThrow();
    expect(() => checkVariables(model, adamw, 150e9)).toThrow(
      /to train a model of 13,\d+,\d+,\d+ parameters needs more than 16\d GB of memory, for these and what the optimiser keeps/,
    );
    // One moment instead of two, and none for what is not trained.
    expect(() => checkVariables(model, recipe({ name: 'lion' }), 150e9)).not.toThrow();
    expect(() => checkVariables(model, recipe({ name: 'adamw' }, 'frozen'), 60e9)).not.toThrow();
    expect(() => checkVariables(model, { ...adamw, ema: 0.99 }, 200e9)).toThrow(/22\d GB/);
  });

  it('is refused when there is not enough, with the rows that fit', () => {
    const memory = { variables: 1e9, peak: 8e9, resident: 10e9 };
    expect(() => checkMemory(memory, 64, 11.1e9)).not.toThrow();
    expect(() => checkMemory(memory, 64, 6.55e9)).toThrow(
      'a step of 64 rows needs about 11.0 GB of memory\n  expected: at most the 6.55 GB that there are\n  to do: take 32 rows in order/batch, or set `chunk` to 32',
    );
    expect(() => checkMemory(memory, 64, 1e9)).toThrow('take a smaller model, or a machine with more memory');
  });

  it('is at most that of the machine', () => {
    expect(memoryThereIs()).toBeGreaterThan(0);
    expect(memoryThereIs()).toBeLessThanOrEqual(totalmem());
  });
});
