/** A training stage from its start to the model that it hands over: what every objective shares. */
import { basename, join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import type { RecordBatch } from 'apache-arrow';
import { concat, defer, from, mergeAll, mergeMap, type Observable, tap } from 'rxjs';
import { batchBytes } from '../../pipeline/batch/bytes.js';
import { AlignflowError } from '../../pipeline/errors.js';
import type { Note, Result, StageEvent, StepMetrics } from '../../pipeline/metrics.js';
import type { StageContext } from '../../pipeline/stage.js';
import { formatBytes } from '../../pipeline/terminal/format.js';
import type { BackendKind } from '../backend/choice.js';
import { usesGpu } from '../backend/gpu.js';
import { whyNotRecorded } from '../backend/graph/compiled.js';
import { ownKernels } from '../backend/kernels.js';
import { bfloat16IsFaster } from '../backend/products.js';
import type { Accept, Program, Tensors } from '../backend/program.js';
import { startBackend } from '../backend/start.js';
import type { ModelConfig } from '../models/config.js';
import type { Parameters } from '../models/parameters.js';
import type { TowerObjective } from './cached-step.js';
import { latestCheckpoint, loadCheckpoint, saveCheckpoint } from './checkpoint.js';
import { chooseComputation, type Machinery } from './computation.js';
import { saveBatch } from './failed-batch.js';
import { createHistory } from './history.js';
import { checkMemory, predictedBytes } from './memory.js';
import { saveModel } from './model-folder.js';
import type { TrainingOptions } from './options.js';
import type { Recipe } from './recipe.js';
import type { Objective } from './step.js';
import { train } from './trainer.js';
import { trainingProgram } from './training-program.js';

/** What a training stage decides. */
export interface TrainingJob {
  readonly config: ModelConfig;
  /** Parameters before the first step; the job owns them. */
  readonly parameters: Parameters;
  readonly objective: Objective | TowerObjective;
  readonly recipe: Omit<Recipe, 'precision'>;
  readonly options: Pick<TrainingOptions, 'precision' | 'maxNonFinite' | 'checkpointEvery'>;
  /** The feeds of the objective for a batch of rows, `step` counted from 0. */
  readonly feeds: (batch: RecordBatch, step: number) => Tensors;
}

/** Steps whose mean loss is the stage's final loss. */
const FINAL_STEPS = 50;

/**
 * Trains until the steps are done, going on from the last checkpoint in the stage's folder, and leaves the model there. Emits
 * the metrics of each step, those before the checkpoint too, and at the end the figures of the whole run.
 *
 * @param load makes the job; called when the tensor backend runs
 */
export function trainModel(load: () => Promise<TrainingJob>, context: StageContext): Observable<StageEvent> {
  return defer(async () => {
    const { kind } = await startBackend();
    const job = await load();
    const { maxNonFinite, checkpointEvery } = job.options;
    const checkpoints = join(context.folder, 'checkpoints');
    const notes: Note[] = [];
    const note = (text: string) => void notes.push({ kind: 'note', text });
    const found = await latestCheckpoint(checkpoints, (path) => note(`${basename(path)} is damaged and not used`));
    const before = found?.state.computation;
    if (found !== undefined && before === undefined)
      note(
        `${basename(found.path)} is of an earlier version, which did not tell the precision and the mode of its steps`,
      );
    const { words, whyEager, ...chosen } = chooseComputation(
      job.options.precision,
      await machineryHere(kind),
      before && { computation: before, file: found!.path },
    );
    const recipe: Recipe = { ...job.recipe, precision: chosen.precision };
    let rows = 0;
    const accept: Accept = (memory) => checkMemory(memory, Math.min(rows, recipe.chunk ?? rows));
    const { program } = trainingProgram(job.objective, job.parameters, recipe, accept, whyEager);
    tf.dispose({ ...job.parameters });
    const start = found === undefined ? undefined : await loadCheckpoint(found.path, program);
    const history = createHistory(start?.data);
    const training = context.rows({ repeat: true, skip: start?.step ?? 0 }).pipe(
      train<RecordBatch>({
        program,
        recipe,
        prepare: (batch, step) => {
          rows = batch.numRows;
          return { feeds: job.feeds(batch, step), samples: rows };
        },
        ...(start === undefined ? {} : { start }),
        maxNonFinite,
        saveBatch: (batch) => saveBatch(context.folder, batch),
        hold: (batch) => context.budget.hold(batchBytes(batch)),
        signal: context.signal,
        stopping: context.stopping,
        checkpoint: {
          every: checkpointEvery,
          save: async (position, metrics) => {
            const computation = { ...chosen, mode: program.mode };
            await saveCheckpoint(checkpoints, program, { ...position, computation, data: history.with(metrics) }, 1);
          },
        },
      }),
      tap((metrics) => history.add(metrics)),
      mergeMap((metrics, index): StageEvent[] => [
        ...(index === 0 ? [modeOf(program, words, start?.step ?? 0, context.budget.limit)] : []),
        metrics,
        { kind: 'progress', done: metrics.step, total: recipe.steps, unit: 'steps' },
      ]),
    );
    const ending = defer(async () => {
      const results = finalResults(history.last(FINAL_STEPS));
      await saveModel(context.folder, job.config, program);
      program.dispose();
      return results;
    }).pipe(mergeAll());
    return concat(from(notes), from(history.last(start?.step ?? 0)), training, ending);
  }).pipe(mergeAll());
}

async function machineryHere(backend: BackendKind): Promise<Machinery> {
  return {
    backend,
    gpu: usesGpu(),
    bfloat16IsFaster: await bfloat16IsFaster(),
    ownKernels: ownKernels() !== undefined,
    whyEager: whyNotRecorded(),
  };
}

/** How the steps run, which is known after the first one. */
function modeOf({ mode, reason, memory }: Program, precision: string, from: number, rowsLimit: number): Note {
  const why = reason === undefined ? '' : `: ${reason}`;
  const resumed = from === 0 ? '' : `, gone on from step ${from}`;
  const known = memory !== undefined && !usesGpu();
  const rows = `up to ${formatBytes(rowsLimit)} for rows on their way`;
  const needs = known ? `, about ${formatBytes(predictedBytes(memory))} of memory and ${rows}` : '';
  return { kind: 'note', text: `${mode} steps${why}, ${precision}${needs}${resumed}` };
}

function diverged(finite: number, steps: number): AlignflowError {
  return new AlignflowError({
    what: `the training diverged: of the last ${steps} steps, ${steps - finite} had no finite loss and were skipped`,
    expected: 'a finite loss in most of them',
    fix: 'lower the learning rate, or warm up for longer: with another recipe the stage is made anew',
  });
}

/** The figures of a run: mean loss of the last steps, median throughput, share of time without data, steps skipped. */
function finalResults(last: readonly StepMetrics[]): Result[] {
  const end = last.at(-1)?.values;
  if (end === undefined) return [];
  const task = 'training';
  const losses = last.map(({ values }) => values.loss!).filter(Number.isFinite);
  if (losses.length <= last.length / 2) throw diverged(losses.length, last.length);
  const loss = losses.reduce((sum, value) => sum + value, 0) / losses.length;
  const speeds = last.map(({ values }) => values.samples_per_second!).sort((a, b) => a - b);
  return [
    { kind: 'result', task, metric: 'final_loss', value: loss, note: `mean of the last ${losses.length} steps` },
    { kind: 'result', task, metric: 'samples_per_second', value: speeds[speeds.length >> 1]! },
    { kind: 'result', task, metric: 'waiting_share', value: end.waiting_share! },
    { kind: 'result', task, metric: 'skipped_steps', value: end.skipped! },
  ];
}
