import { compiledProgram, whyNotRecorded } from '../backend/graph/compiled.js';
import type { Accept, Program, Tensors } from '../backend/program.js';
import { cachedProgram } from './cached-program.js';
import { type TowerObjective, wholeObjective } from './cached-step.js';
import { type TrainedParameter, trainedParameters } from './groups.js';
import type { Recipe } from './recipe.js';
import { initialState, type Objective, trainingStep } from './step.js';

/** A program that trains, and which parameters it trains. */
export interface TrainingProgram {
  readonly program: Program;
  readonly trained: readonly TrainedParameter[];
}

/**
 * The program of a training stage, compiled where the backend can: the given parameters, frozen ones too, and the state before the first update.
 * `train` runs it, `saveCheckpoint` and `loadCheckpoint` keep it. The parameters stay the caller's.
 * @param accept told what each recorded step needs before it runs; refuses it by throwing
 * @param against why nothing is to be recorded; undefined where it may be
 * Throws an `AlignflowError` for groups that do not fit the parameters.
 */
export function trainingProgram(
  objective: Objective | TowerObjective,
  parameters: Tensors,
  recipe: Recipe,
  accept?: Accept,
  against = whyNotRecorded(),
): TrainingProgram {
  const shapes = Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, shape]));
  const trained = trainedParameters(recipe.groups, shapes, recipe.layerDecay);
  const variables = { ...parameters, ...initialState(parameters, trained, recipe) };
  const { chunk } = recipe;
  const program =
    typeof objective !== 'function' && chunk !== undefined
      ? cachedProgram(objective, trained, { ...recipe, chunk }, variables, accept, against)
      : compiledProgram(trainingStep(wholeOf(objective), trained, recipe), variables, accept, against);
  return { program, trained };
}

function wholeOf(objective: Objective | TowerObjective): Objective {
  return typeof objective === 'function' ? objective : wholeObjective(objective);
}
