import * as tf from '@tensorflow/tfjs-core';
import { compiledProgram } from '../backend/graph/compiled.js';
import type { Program, Tensors } from '../backend/program.js';
import { type ParameterGroup, type TrainedParameter, trainedParameters } from './groups.js';
import { initialMoments, type Objective, type StepOptions, trainingStep } from './step.js';

/** A program that trains, and which parameters it trains. */
export interface TrainingProgram {
  readonly program: Program;
  readonly trained: readonly TrainedParameter[];
}

/**
 * The program of a training stage, compiled where the backend can: the given parameters, frozen ones too, with moments of zero.
 * `train` runs it, `saveCheckpoint` and `loadCheckpoint` keep it. The parameters stay the caller's.
 * Throws an `AlignflowError` for groups that do not fit the parameters.
 */
export function trainingProgram(
  objective: Objective,
  parameters: Tensors,
  groups: readonly ParameterGroup[],
  options: StepOptions,
): TrainingProgram {
  const shapes = Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, shape]));
  const trained = trainedParameters(groups, shapes);
  const moments = initialMoments(parameters, trained);
  const program = compiledProgram(trainingStep(objective, trained, options), { ...parameters, ...moments });
  tf.dispose(moments);
  return { program, trained };
}
