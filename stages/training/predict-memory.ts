/** The memory that a stage's training will need, from shapes alone: no weights are made and no step runs. */
import * as tf from '@tensorflow/tfjs-core';
import type { RecordBatch } from 'apache-arrow';
import type { PeakMemory } from '../../pipeline/stage.js';
import { type TensorflowBackend, tensorflowBackend } from '../backend/addon.js';
import { usesGpu } from '../backend/gpu.js';
import { whyNotRecorded } from '../backend/graph/compiled.js';
import { stepMemory } from '../backend/graph/peak.js';
import { type Kind, kindsOf, rehearseStep } from '../backend/graph/record-step.js';
import { UnrecordableError } from '../backend/graph/recorder.js';
import { dataTypes } from '../backend/native.js';
import { bfloat16IsFaster } from '../backend/products.js';
import type { Step, StepMemory, Tensors } from '../backend/program.js';
import { startBackend } from '../backend/start.js';
import { cachedSteps, chunkBounds, gradientName, sumName, type TowerObjective, wholeObjective } from './cached-step.js';
import { choosePrecision } from './choose-precision.js';
import type { TrainedParameter } from './groups.js';
import { checkMemory, checkVariables, predictedBytes } from './memory.js';
import { plannedVariables } from './planned-variables.js';
import { ratesOf } from './rates.js';
import type { Recipe } from './recipe.js';
import { trainingStep } from './step.js';
import type { TrainingJob } from './train-model.js';

type Kinds = Readonly<Record<string, Kind>>;

/** A job as far as it is known before its parameters and prompts are read. */
export type PlannedJob = Pick<TrainingJob, 'config' | 'objective' | 'recipe' | 'options' | 'feeds'>;

/** Peak of the process that trains, for batches like this one; or why nobody can say. Throws an `AlignflowError` for more than there is. */
export async function predictMemory(job: PlannedJob, batch: RecordBatch): Promise<PeakMemory> {
  const { kind } = await startBackend({ warn: () => {} });
  const why = usesGpu() ? 'a GPU has memory of its own, and TensorFlow says when that is full' : whyNotRecorded();
  if (why !== undefined) return { unknown: why };
  const backend = tensorflowBackend()!;
  const { precision } = choosePrecision(job.options.precision, kind, await bfloat16IsFaster());
  const recipe: Recipe = { ...job.recipe, precision };
  checkVariables(job.config, recipe);
  const { trained, shapes } = plannedVariables(job.config, recipe);
  const planned: PlannedStep = {
    backend,
    recipe,
    trained,
    variables: floats(shapes),
    rates: floats(Object.fromEntries(Object.keys(ratesOf(recipe).feeds(0, 1)).map((name) => [name, []]))),
  };
  try {
    const memory = scoped(() => {
      const feeds = job.feeds(batch, 0);
      const { objective } = job;
      return typeof objective !== 'function' && recipe.chunk !== undefined
        ? inChunks(planned, objective, feeds, recipe.chunk)
        : inOne(planned, objective, feeds);
    });
    checkMemory(memory, Math.min(batch.numRows, recipe.chunk ?? batch.numRows));
    return { bytes: predictedBytes(memory), precision };
  } catch (error) {
    if (error instanceof UnrecordableError) return { unknown: error.message };
    throw error;
  }
}

/** As `tf.tidy`, for work that gives no tensors. */
function scoped<Result>(work: () => Result): Result {
  tf.engine().startScope();
  try {
    return work();
  } finally {
    tf.engine().endScope();
  }
}

/** What is known of a step whatever goes into it. */
interface PlannedStep {
  readonly backend: TensorflowBackend;
  readonly recipe: Recipe;
  readonly trained: readonly TrainedParameter[];
  readonly variables: Kinds;
  /** Learning rates, and what optimisers are fed. */
  readonly rates: Kinds;
}

function inOne(planned: PlannedStep, objective: TrainingJob['objective'], feeds: Tensors): StepMemory {
  const { backend, recipe, trained, variables, rates } = planned;
  const whole = typeof objective === 'function' ? objective : wholeObjective(objective);
  const step = trainingStep(whole, trained, recipe);
  return stepMemory([rehearseStep(backend, step, variables, { ...kindsOf(backend, feeds), ...rates }).recorded]);
}

/** What the parts of a step with gradient caching need. */
function inChunks(planned: PlannedStep, objective: TowerObjective, feeds: Tensors, chunk: number): StepMemory {
  const { backend, recipe, trained, rates } = planned;
  const steps = cachedSteps(objective, trained, recipe);
  const rows = objective.rows(feeds);
  const bounds = chunkBounds(rows, chunk);
  const size = Math.max(...bounds.slice(1).map((to, i) => to - bounds[i]!));
  const sums = trained.map(({ name }) => [sumName(name), planned.variables[name]!] as const);
  const variables = { ...planned.variables, ...Object.fromEntries(sums) };
  const part = kindsOf(backend, objective.slice(feeds, 0, size));
  const encoded = rehearseStep(backend, steps.encode, variables, part);
  const embeddings = (count: number, named: (name: string) => string = (name) => name) =>
    floats(Object.fromEntries(Object.entries(encoded.outputs).map(([name, [, dim]]) => [named(name), [count, dim!]])));
  const recorded = (step: Step, fed: Kinds) => rehearseStep(backend, step, variables, fed).recorded;
  return stepMemory([
    encoded.recorded,
    recorded(steps.backward, { ...part, ...embeddings(size, gradientName) }),
    recorded(steps.loss, embeddings(rows)),
    recorded(steps.update, { ...rates, ...floats({ loss: [] }) }),
  ]);
}

function floats(shapes: Readonly<Record<string, readonly number[]>>): Kinds {
  return Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, { dtype: dataTypes.float32, shape }]));
}
