import * as tf from '@tensorflow/tfjs-core';
import { compiledProgram } from '../backend/graph/compiled.js';
import type { Program, Tensors } from '../backend/program.js';
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
 * Throws an `AlignflowError` for groups that do not fit the parameters.
 */
export function trainingProgram(objective: Objective, parameters: Tensors, recipe: Recipe): TrainingProgram {
  const shapes = Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, shape]));
  const trained = trainedParameters(recipe.groups, shapes, recipe.layerDecay);
  const state = initialState(parameters, trained, recipe);
  const program = compiledProgram(trainingStep(objective, trained, recipe), { ...parameters, ...state });
  tf.dispose(state);
  return { program, trained };
}
