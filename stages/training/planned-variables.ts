import type { ModelConfig } from '../models/config.js';
import { parameterShapes } from '../models/shapes.js';
import { type TrainedParameter, trainedParameters } from './groups.js';
import type { Recipe } from './recipe.js';
import { stateOf } from './step.js';

/** What a training run holds from its start to its end, known before any weight is made. */
export interface PlannedVariables {
  readonly trained: readonly TrainedParameter[];
  /** Of the parameters, of what optimisers keep of them, and of moving averages, by name. All are float32. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
}

/** The variables of a model that is trained so. */
export function plannedVariables(config: ModelConfig, recipe: Recipe): PlannedVariables {
  const parameters = Object.fromEntries(parameterShapes(config));
  const trained = trainedParameters(recipe.groups, parameters, recipe.layerDecay);
  const state = stateOf(trained, recipe).map(({ name, parameter }) => [name, parameters[parameter]!] as const);
  return { trained, shapes: { ...parameters, ...Object.fromEntries(state) } };
}
