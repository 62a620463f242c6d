import { setImmediate as nextTurn } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-core';
import {
  concatMap,
  concatWith,
  defer,
  EMPTY,
  finalize,
  from,
  map,
  type OperatorFunction,
  take,
  throwError,
} from 'rxjs';
import { AlignflowError } from '../../pipeline/errors.js';
import { untilAborted } from '../../pipeline/graph/until-aborted.js';
import type { StepMetrics } from '../../pipeline/metrics.js';
import type { Program, Tensors } from '../backend/program.js';
import { type Rates, ratesOf } from './rates.js';
import type { Recipe } from './recipe.js';

/** Where a run is. */
export interface TrainingPosition {
  /** Steps done, skipped ones included: one batch each. */
  readonly step: number;
  /** Updates made: steps done without those that were skipped. */
  readonly updates: number;
  /** The steps before it that were skipped in a row: up to the last one, 0 where that was not. */
  readonly failed: number;
}

/** What the objective is fed for one step. */
export interface PreparedBatch {
  /** Feeds of the objective. The trainer disposes of them after the step. */
  readonly feeds: Tensors;
  /** How many samples they hold. */
  readonly samples: number;
}

/** A training run over a program made from `trainingStep`. */
export interface TrainerOptions<Batch> {
  readonly program: Program;
  /** What the program's step was made with. */
  readonly recipe: Recipe;
  /** Makes the feeds of a batch, `step` counted from 0. Called just before the step, so that no feeds pile up. */
  readonly prepare: (batch: Batch, step: number) => PreparedBatch;
  /** Holds the bytes of a batch in the run's budget while it waits for its step, so that the source waits; returns the release. */
  readonly hold?: (batch: Batch) => () => void;
  /** Where the run goes on. Step 0 by default. */
  readonly start?: TrainingPosition;
  /**
   * Called every `every` steps and after the last one, with the position to go on from and the metrics of the step, which are
   * emitted after it; training waits for it.
   */
  readonly checkpoint?: {
    readonly every: number;
    readonly save: (position: TrainingPosition, metrics: StepMetrics) => Promise<void>;
  };
  /** Steps in a row with a loss or gradient that is not finite, after which the run ends with an error. 10 by default. */
  readonly maxNonFinite?: number;
  /** Keeps the batch of the last of them for people to look at; returns the file, which the error names. */
  readonly saveBatch?: (batch: Batch) => Promise<string>;
  /** Ends the run with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Ends the run with the signal's reason after the step, once its checkpoint is saved. */
  readonly stopping?: AbortSignal;
}

/**
 * Trains: batches in, one `StepMetrics` out for each, with `loss`, `learning_rate` (of the first trained group),
 * `gradient_norm`, `skipped` (steps without update so far), `samples_per_second`, `waiting_share` (of the time since the start,
 * how much went by without a batch to train on) and the objective's own metrics. The source repeats for ever: the trainer
 * unsubscribes when its steps are done; a source that ends earlier is an error.
 */
export function train<Batch>(options: TrainerOptions<Batch>): OperatorFunction<Batch, StepMetrics> {
  const rates = ratesOf(options.recipe);
  const start = options.start ?? { step: 0, updates: 0, failed: 0 };
  const steps = options.recipe.steps - start.step;
  return (source) =>
    defer(() => {
      if (steps <= 0) return EMPTY;
      const run = stepper(options, rates, start);
      const early = throwError(() => endedEarly(options.recipe.steps, run.position().step));
      const held = new Set<() => void>();
      const arrive = (batch: Batch) => {
        const release = options.hold?.(batch) ?? (() => {});
        held.add(release);
        return { batch, release };
      };
      const leave = (release: () => void) => {
        held.delete(release);
        release();
      };
      const metrics = source.pipe(
        map(arrive),
        concatMap(({ batch, release }) => from(run.next(batch)).pipe(finalize(() => leave(release)))),
        concatWith(early),
        finalize(() => held.forEach(leave)),
      );
      const limited = metrics.pipe(take(steps));
      return options.signal === undefined ? limited : limited.pipe(untilAborted(options.signal));
    });
}

/** The state of a run, and the function that takes it one step on. */
function stepper<Batch>(options: TrainerOptions<Batch>, rates: Rates, start: TrainingPosition) {
  const { program, recipe, checkpoint, maxNonFinite = 10 } = options;
  const watch = stopwatch();
  let { step, updates, failed } = start;

  const next = async (batch: Batch): Promise<StepMetrics> => {
    watch.begin();
    const { feeds, samples } = options.prepare(batch, step);
    const values = runOnce(program, { ...feeds, ...scalars(rates.feeds(step, updates + 1)) });
    const { counts, ...measured } = values;
    const learningRate = rates.watched(step);
    step += 1;
    if (counts === 1) updates += 1;
    failed = counts === 1 ? 0 : failed + 1;
    if (failed >= maxNonFinite) throw notFinite(step, failed, values, await options.saveBatch?.(batch));
    const metrics: StepMetrics = {
      kind: 'step',
      step,
      samples,
      values: { ...measured, learning_rate: learningRate, skipped: step - updates, ...watch.end(samples) },
    };
    const stop = options.stopping?.aborted === true;
    if (checkpoint !== undefined && (step % checkpoint.every === 0 || step === recipe.steps || stop)) {
      await checkpoint.save({ step, updates, failed }, metrics);
    }
    if (stop) throw options.stopping?.reason;
    watch.wait();
    await nextTurn();
    return metrics;
  };
  return { next, position: (): TrainingPosition => ({ step, updates, failed }) };
}

/** Runs the program, reads its outputs as numbers, and disposes of feeds and outputs. */
function runOnce(program: Program, feeds: Tensors): Record<string, number> {
  try {
    const outputs = program.run(feeds);
    const values = Object.entries(outputs).map(([name, output]) => [name, output.dataSync()[0]!] as const);
    tf.dispose(outputs);
    return Object.fromEntries(values);
  } finally {
    tf.dispose({ ...feeds });
  }
}

function scalars(values: Readonly<Record<string, number>>): Tensors {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, tf.scalar(value)]));
}

/** Time in steps and time without a batch; checkpoints count as neither. Milliseconds of the monotonic clock. */
function stopwatch() {
  let since = performance.now();
  let waited = 0;
  let total = 0;
  let span = 0;
  return {
    begin() {
      const now = performance.now();
      waited += now - since;
      span = now - since;
      since = now;
    },
    end(samples: number) {
      const now = performance.now();
      span += now - since;
      total += span;
      return { samples_per_second: (1000 * samples) / span, waiting_share: waited / total };
    },
    wait() {
      since = performance.now();
    },
  };
}

function endedEarly(steps: number, done: number): AlignflowError {
  return new AlignflowError({
    what: `the batches ended after ${done} of ${steps} steps`,
    expected: 'a source that repeats until training is done',
    fix: 'check that the data is not empty and holds at least one whole batch',
  });
}

function notFinite(
  step: number,
  failed: number,
  values: Readonly<Record<string, number>>,
  saved: string | undefined,
): AlignflowError {
  return new AlignflowError({
    what: `loss ${values.loss}, gradient norm ${values.gradient_norm} at step ${step}: ${failed} steps in a row were not finite`,
    expected: 'a finite loss and finite gradients',
    ...(saved === undefined ? {} : { where: { file: saved } }),
    fix: `lower the learning rate or lengthen the warm-up, and look for bad values in the data${saved === undefined ? '' : ': the last batch is in this file'}`,
  });
}
