import { optimisersOf } from './optimisers/create.js';
import type { Recipe } from './recipe.js';
import { checkSchedule, learningRateFactor, type Schedule } from './schedule.js';

/** Names of the scalars that are fed beside the batch. */
export const rateFeeds = {
  learningRate: (group: number) => `learning_rate.${group}`,
  scalar: (optimiser: number, name: string) => `optimiser.${optimiser}.${name}`,
};

/** The scalars of each step. */
export interface Rates {
  /** What is fed at a step, from 0, that makes update `t`, from 1. */
  feeds(step: number, t: number): Readonly<Record<string, number>>;
  /** The learning rate of the first trained group, for people to watch. */
  watched(step: number): number;
}

/** Learning rates and the optimisers' scalars, step by step. Throws an `AlignflowError` for a schedule that cannot be followed. */
export function ratesOf(recipe: Recipe): Rates {
  const schedules = recipe.groups.map(
    ({ warmup = recipe.warmup, decay = recipe.decay ?? { shape: 'cosine' } }): Schedule => ({
      steps: recipe.steps,
      warmup,
      decay,
    }),
  );
  schedules.forEach(checkSchedule);
  const optimisers = optimisersOf(recipe).all;
  const rateAt = (group: number, step: number) => {
    const { learningRate } = recipe.groups[group]!;
    return learningRate === 'frozen' ? undefined : learningRate * learningRateFactor(schedules[group]!, step);
  };
  const first = recipe.groups.findIndex(({ learningRate }) => learningRate !== 'frozen');
  return {
    feeds(step, t) {
      const rates = recipe.groups.flatMap((_, g) => {
        const rate = rateAt(g, step);
        return rate === undefined ? [] : [[rateFeeds.learningRate(g), rate] as const];
      });
      const scalars = optimisers.flatMap((optimiser, i) =>
        Object.entries(optimiser.scalars(t)).map(([name, value]) => [rateFeeds.scalar(i, name), value] as const),
      );
      return Object.fromEntries([...rates, ...scalars]);
    },
    watched: (step) => rateAt(first, step) ?? 0,
  };
}
