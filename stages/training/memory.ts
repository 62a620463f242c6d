import { AlignflowError } from '../../pipeline/errors.js';
import { formatBytes, formatCount } from '../../pipeline/terminal/format.js';
import { memoryForTensors } from '../backend/machine-memory.js';
import type { StepMemory } from '../backend/program.js';
import type { ModelConfig } from '../models/config.js';
import { countParameters } from '../models/shapes.js';
import { plannedVariables } from './planned-variables.js';
import type { Recipe } from './recipe.js';

/** What a process that trains has beside its tensors: Node, TensorFlow, a batch or two. */
const PROCESS = 640e6;

const NOTHING_FITS = 'take a smaller model, or a machine with more memory';

/** Variables once more, a part of them: as they were initialised or read, before TensorFlow had them. */
const COPIES = 0.4;

/**
 * Bytes that a training process will have resident at most, without what the run's `memory` bounds: rows on their way in the thread that
 * reads them. The constants are fitted to nine runs of the models `tiny` and `small` (0.8
 * to 3.3 GB; TensorFlow 2.21, 2 cores): it is within 3 % of those that are whole or in chunks, and 1 to 15 % below those with
 * checkpointed layers, most for 128 rows, whose ops overlap.
 */
export function predictedBytes({ variables, resident }: StepMemory): number {
  return PROCESS + COPIES * variables + resident;
}

/**
 * Throws an `AlignflowError` when the variables of a training run alone do not fit the memory: before they are made or read, and a step
 * is recorded.
 */
export function checkVariables(config: ModelConfig, recipe: Recipe, limit = memoryForTensors()): void {
  const { shapes } = plannedVariables(config, recipe);
  const values = Object.values(shapes).reduce((sum, shape) => sum + shape.reduce((size, dim) => size * dim, 1), 0);
  const needed = PROCESS + 4 * values;
  if (needed <= limit) return;
  const parameters = formatCount(countParameters(config));
  throw new AlignflowError({
    what: `to train a model of ${parameters} parameters needs more than ${formatBytes(needed)} of memory, for these and what the optimiser keeps of them`,
    expected: `at most the ${formatBytes(limit)} that there are`,
    fix: NOTHING_FITS,
  });
}

/**
 * Throws an `AlignflowError` when a step needs more memory than there is, with the rows that would fit: what a step needs beside
 * its variables grows with its rows, at most.
 *
 * @param rows of the batch, or of a chunk of it
 */
export function checkMemory(memory: StepMemory, rows: number, limit = memoryForTensors()): void {
  const needed = predictedBytes(memory);
  if (needed <= limit) return;
  const growing = memory.resident - memory.variables;
  const fitting = Math.floor((rows * (limit - (needed - growing))) / growing);
  throw new AlignflowError({
    what: `a step of ${rows} rows needs about ${formatBytes(needed)} of memory`,
    expected: `at most the ${formatBytes(limit)} that there are`,
    fix: fitting >= 1 ? `take ${fitting} rows in order/batch, or set \`chunk\` to ${fitting}` : NOTHING_FITS,
  });
}
