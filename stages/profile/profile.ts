/** Where the time of a training stage goes: some of its steps as they run, and some op by op. */
import * as tf from '@tensorflow/tfjs-core';
import type { StageEvent } from '../../pipeline/metrics.js';
import type { Options, Plan, PlannedStage } from '../../pipeline/plan/plan.js';
import { runAlone } from '../../pipeline/run/run-alone.js';
import { threads } from '../../pipeline/run/threads.js';
import { type TensorflowBackend, tensorflowBackend } from '../backend/addon.js';
import { bfloat16IsFaster } from '../backend/products.js';
import { backendInUse } from '../backend/start.js';
import { type Precision, withPrecision } from '../models/ops/precision.js';
import { product } from '../models/ops/product.js';
import { choosePrecision } from '../training/choose-precision.js';
import type { TrainingOptions } from '../training/options.js';
import { openOpClock, type PeakMemory, type TimedOp } from './op-clock.js';

/** What a profile found. */
export interface Profile {
  readonly stage: string;
  /** How the steps run, in the stage's own words. */
  readonly mode: string;
  /** Steps that were measured, and samples of each. */
  readonly steps: number;
  readonly samples: number;
  /** Milliseconds of a step as it runs, median. */
  readonly milliseconds: number;
  /** Share of the time without a batch to train on. */
  readonly waiting: number;
  /** Floating-point operations of the matrix products of a step. */
  readonly flops: number;
  /** Of a large product in the same precision, measured on the spot, operations per second. */
  readonly attainable: number;
  /** The ops of the steps that ran op by op, step by step. */
  readonly ops: readonly (readonly TimedOp[])[];
  readonly peak: PeakMemory;
}

/** What is profiled, and how. */
export interface ProfileOptions {
  readonly plan: Plan;
  readonly stage: PlannedStage;
  /** Steps to measure as they run. */
  readonly steps: number;
  readonly signal: AbortSignal;
}

/** Steps before those that are measured: the first one records the graph. */
const WARM_UP = 3;
/** Steps that run op by op, the first of them unmeasured. */
const SINGLE = 4;
/** Side of the square matrices whose product says what is attainable. */
const SIDE = 2048;

/**
 * Profiles a training stage on the rows that the stages before it made. Nothing of it stays. Throws an `AlignflowError` when one
 * of those stages is not complete.
 */
export async function profileStage(options: ProfileOptions): Promise<Profile> {
  const whole = await runSteps(options, WARM_UP + options.steps);
  const measured = whole.steps.slice(WARM_UP);
  const backend = tensorflowBackend();
  const single = backend === undefined ? undefined : await runOpByOp(options, backend);
  const ops = single?.ops ?? [];
  return {
    stage: options.stage.name,
    mode: whole.notes.join('; '),
    steps: measured.length,
    samples: measured[0]!.samples,
    milliseconds: median(measured.map(millisecondsOf)),
    waiting: waitingOf(whole.steps),
    flops: median(ops.map((step) => step.reduce((sum, { flops }) => sum + flops, 0))),
    attainable: attainable(await precisionOf(options.stage)),
    ops,
    peak: single?.peak ?? { bytes: 0, modules: new Map() },
  };
}

type Step = Extract<StageEvent, { kind: 'step' }>;

async function runSteps({ plan, stage, signal }: ProfileOptions, steps: number, each: () => void = () => {}) {
  const seen: Step[] = [];
  const notes: string[] = [];
  await runAlone(plan, stage, {
    change: shortened(stage.options as unknown as TrainingOptions, steps),
    signal,
    threads,
    emit(event) {
      if (event.kind === 'note') notes.push(event.text);
      if (event.kind !== 'step') return;
      seen.push(event);
      each();
    },
  });
  return { steps: seen, notes };
}

/** Options of so few steps: with no warm-up, which may be longer, and no checkpoint in between, which is no part of a step. */
function shortened({ groups }: TrainingOptions, steps: number): Options {
  return { steps, checkpointEvery: steps, warmup: 0, groups: groups.map(({ warmup: _, ...group }) => group) };
}

/** The same steps op by op, each op timed. */
async function runOpByOp(options: ProfileOptions, backend: TensorflowBackend) {
  const before = process.env.ALIGNFLOW_COMPILE;
  process.env.ALIGNFLOW_COMPILE = '0';
  const clock = openOpClock(backend);
  const ops: TimedOp[][] = [];
  try {
    await runSteps(options, SINGLE, () => void ops.push(clock.take()));
    return { ops: ops.slice(1), peak: clock.peak() };
  } finally {
    clock.close();
    if (before === undefined) delete process.env.ALIGNFLOW_COMPILE;
    else process.env.ALIGNFLOW_COMPILE = before;
  }
}

/** The precision that the stage trains in here. */
async function precisionOf({ options }: PlannedStage): Promise<Precision> {
  const { precision: asked } = options as Pick<TrainingOptions, 'precision'>;
  return choosePrecision(asked, backendInUse()!, await bfloat16IsFaster()).precision;
}

/** Operations per second of a product of two large matrices. */
function attainable(precision: Precision): number {
  const [a, b] = [
    tf.randomUniform([SIDE, SIDE], -1, 1, 'float32', 1),
    tf.randomUniform([SIDE, SIDE], -1, 1, 'float32', 2),
  ];
  const seconds = Array.from({ length: 6 }, () => {
    const began = performance.now();
    const result = withPrecision(precision, () => product(a, b));
    // The first element waits for all of them, on a GPU too.
    tf.tidy(() => tf.slice(result, [0, 0], [1, 1]).dataSync());
    result.dispose();
    return (performance.now() - began) / 1000;
  });
  tf.dispose([a, b]);
  return (2 * SIDE ** 3) / median(seconds.slice(1));
}

function millisecondsOf({ samples, values }: Step): number {
  return (1000 * samples) / values.samples_per_second!;
}

/** The share after the warm-up, in which a shuffle fills up: the trainer tells it since the start. */
function waitingOf(steps: readonly Step[]): number {
  const total = (some: readonly Step[]) => some.reduce((sum, step) => sum + millisecondsOf(step), 0);
  const waited = (some: readonly Step[]) => total(some) * (some.at(-1)?.values.waiting_share ?? 0);
  const before = steps.slice(0, WARM_UP);
  return (waited(steps) - waited(before)) / (total(steps) - total(before));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}
