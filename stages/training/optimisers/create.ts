import type { Recipe } from '../recipe.js';
import { type AdamW, adamW } from './adamw.js';
import { type Lion, lion } from './lion.js';
import type { Optimiser } from './optimiser.js';
import { type Sgd, sgd } from './sgd.js';

/** An optimiser and its settings, as a manifest has them. */
export type OptimiserOptions = AdamW | Lion | Sgd;

/** The optimisers of a recipe, and which of them each group has. */
export interface RecipeOptimisers {
  readonly all: readonly Optimiser[];
  readonly of: (group: number) => number;
}

/** The run's optimiser first, then those that groups have for themselves. */
export function optimisersOf({ optimiser, groups }: Pick<Recipe, 'optimiser' | 'groups'>): RecipeOptimisers {
  const all = [createOptimiser(optimiser)];
  const indices = groups.map((group) =>
    group.optimiser === undefined ? 0 : all.push(createOptimiser(group.optimiser)) - 1,
  );
  return { all, of: (group) => indices[group]! };
}

/** The optimiser of that name. */
function createOptimiser(options: OptimiserOptions): Optimiser {
  switch (options.name) {
    case 'adamw':
      return adamW(options);
    case 'lion':
      return lion(options);
    case 'sgd':
      return sgd(options);
  }
}
