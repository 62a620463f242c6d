import type { TrainedParameter } from '../groups.js';
import type { Recipe } from '../recipe.js';
import { type AdamW, adamW } from './adamw.js';
import { type Lion, lion } from './lion.js';
import { type Muon, muon } from './muon.js';
import type { Optimiser } from './optimiser.js';
import { type Sgd, sgd } from './sgd.js';

/** An optimiser and its settings, as a manifest has them. */
export type OptimiserOptions = AdamW | Lion | Muon | Sgd;

/** The optimisers of a recipe, and which of them each parameter has. */
export interface RecipeOptimisers {
  readonly all: readonly Optimiser[];
  readonly of: (parameter: Pick<TrainedParameter, 'group' | 'isLayerMatrix'>) => number;
}

/** The run's optimisers first, then those that groups have for themselves. */
export function optimisersOf({ optimiser, groups }: Pick<Recipe, 'optimiser' | 'groups'>): RecipeOptimisers {
  const all: Optimiser[] = [];
  const add = (options: OptimiserOptions) => {
    const { matrices, others = matrices } = createOptimisers(options);
    const first = all.push(matrices) - 1;
    return { matrices: first, others: others === matrices ? first : all.push(others) - 1 };
  };
  const own = add(optimiser);
  const indices = groups.map((group) => (group.optimiser === undefined ? own : add(group.optimiser)));
  return { all, of: ({ group, isLayerMatrix }) => indices[group]![isLayerMatrix ? 'matrices' : 'others'] };
}

/** The optimiser of that name: of the matrices of layers, and of all other parameters where they have another. */
function createOptimisers(options: OptimiserOptions): { readonly matrices: Optimiser; readonly others?: Optimiser } {
  switch (options.name) {
    case 'adamw':
      return { matrices: adamW(options) };
    case 'lion':
      return { matrices: lion(options) };
    case 'muon':
      return { matrices: muon(options), others: adamW(options) };
    case 'sgd':
      return { matrices: sgd(options) };
  }
}
