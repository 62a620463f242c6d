import * as tf from '@tensorflow/tfjs-core';
import {
  concat,
  finalize,
  from,
  interval,
  lastValueFrom,
  map,
  NEVER,
  type Observable,
  of,
  Subject,
  take,
  toArray,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { StepMetrics } from '../../../pipeline/metrics.js';
import { tensorflowBackend } from '../../../stages/backend/addon.js';
import type { Program } from '../../../stages/backend/program.js';
import { startBackend } from '../../../stages/backend/start.js';
import type { Recipe } from '../../../stages/training/recipe.js';
import type { Objective } from '../../../stages/training/step.js';
import { type TrainerOptions, type TrainingPosition, train } from '../../../stages/training/trainer.js';
import { trainingProgram } from '../../../stages/training/training-program.js';
import { noise } from './noise.js';

await startBackend({ warn: () => {} });

const recipe: Recipe = {
  steps: 12,
  warmup: 2,
  groups: [{ match: ['**'], learningRate: 0.05, weightDecay: 0.1 }],
  optimiser: { name: 'adamw', beta2: 0.98 },
  clipNorm: 1,
};

/** Mean squared distance of a linear map from a fixed one, over a batch of noise. */
const objective: Objective = ({ weight }, { x, target }) => {
  const distance = tf.sub(tf.matMul(x as tf.Tensor2D, weight as tf.Tensor2D), target!);
  return { loss: tf.mean(tf.square(distance)), metrics: { distance: tf.mean(tf.abs(distance)) } };
};

function newProgram(): Program {
  const parameters = { weight: noise([4, 2], 1) };
  const { program } = trainingProgram(objective, parameters, recipe);
  tf.dispose(parameters);
  return program;
}

/** Batches are seeds; a negative one makes a loss that is not a number. */
function prepare(seed: number) {
  const x = noise([8, 4], Math.abs(seed));
  const target = tf.tidy(() => tf.tile(tf.mul(tf.sum(x, 1, true), seed < 0 ? Number.NaN : 0.7), [1, 2]));
  return { feeds: { x, target }, samples: 8 };
}

const options = (program: Program, more: Partial<TrainerOptions<number>> = {}): TrainerOptions<number> => ({
  program,
  recipe,
  prepare,
  ...more,
});

/** Seeds 0, 1, 2 over and over, from the `start`th on, one a turn of the event loop, for ever. */
const seeds = (start = 0): Observable<number> => interval(0).pipe(map((i) => (start + i) % 3));

const run = (source: Observable<number>, settings: TrainerOptions<number>): Promise<StepMetrics[]> =>
  lastValueFrom(source.pipe(train(settings), toArray()));

function weights(program: Program): number[] {
  const tensor = program.read('weight');
  const values = [...tensor.dataSync()];
  tensor.dispose();
  return values;
}

/** Metrics without what depends on time. */
const untimed = (metrics: readonly StepMetrics[]) =>
  metrics.map(({ step, values: { samples_per_second, waiting_share, ...values } }) => ({ step, ...values }));

describe('train', () => {
  it('emits the metrics of each step, trains, and unsubscribes from an endless source', async () => {
    const program = newProgram();
    let stopped = false;
    const source = seeds().pipe(finalize(() => (stopped = true)));
    const metrics = await run(source, options(program));
    expect(stopped).toBe(true);
    expect(metrics.map(({ step }) => step)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    for (const { kind, values } of metrics) {
      expect(kind).toBe('step');
      const names = [
        'loss',
        'distance',
        'gradient_norm',
        'learning_rate',
        'skipped',
        'samples_per_second',
        'waiting_share',
      ];
      expect(Object.keys(values).sort()).toEqual(names.sort());
      expect(values.samples_per_second).toBeGreaterThan(0);
      expect(values.waiting_share).toBeGreaterThanOrEqual(0);
      expect(values.waiting_share).toBeLessThanOrEqual(1);
    }
    expect(metrics.slice(0, 3).map(({ values }) => values.learning_rate)).toEqual([0.025, 0.05, 0.05]);
    expect(metrics[11]!.values.loss).toBeLessThan(metrics[0]!.values.loss! / 2);
    program.dispose();
  });

  it('leaves no tensor behind', async () => {
    const before = tf.memory().numTensors;
    const program = newProgram();
    await run(seeds(), options(program));
    program.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('holds as many tensors after 1,000 steps as after ten', async () => {
    const program = newProgram();
    const addon = tensorflowBackend()?.binding;
    const counts = () => [tf.memory().numTensors, addon?.getNumOfTensors()];
    const seen: unknown[] = [];
    const settings = options(program, { recipe: { ...recipe, steps: 1000 } });
    // What a step leaves is freed before the next begins.
    const prepared = (seed: number, step: number) => {
      if (step === 10 || step === 999) seen.push(counts());
      return prepare(seed);
    };
    await run(from(Array.from({ length: 1000 }, (_, i) => i % 3)), { ...settings, prepare: prepared });
    expect(seen[1]).toEqual(seen[0]);
    program.dispose();
  });

  it('goes on at step k as if it had never stopped', async () => {
    const [whole, halves] = [newProgram(), newProgram()];
    const expected = untimed(await run(seeds(), options(whole)));
    const position = { step: 5, updates: 5, failed: 0 };
    const first = await lastValueFrom(seeds().pipe(train(options(halves)), take(5), toArray()));
    const second = await run(seeds(5), options(halves, { start: position }));
    expect(untimed([...first, ...second])).toEqual(expected);
    expect(weights(halves)).toEqual(weights(whole));
    await expect(run(seeds(), options(halves, { start: { step: 12, updates: 12, failed: 0 } }))).resolves.toEqual([]);
    whole.dispose();
    halves.dispose();
  });

  it('saves every n steps and at the end, and waits for it', async () => {
    const program = newProgram();
    const saved: TrainingPosition[] = [];
    let saving = false;
    const save = async (position: TrainingPosition) => {
      saving = true;
      await new Promise((resolve) => setTimeout(resolve, 5));
      saving = false;
      saved.push(position);
    };
    const watched = options(program, { checkpoint: { every: 5, save } });
    await run(seeds(), {
      ...watched,
      prepare: (seed) => {
        expect(saving).toBe(false);
        return prepare(seed);
      },
    });
    expect(saved).toEqual([5, 10, 12].map((step) => ({ step, updates: step, failed: 0 })));
    program.dispose();
  });

  it('saves where it is and ends, when it is asked to stop', async () => {
    const program = newProgram();
    const saved: number[] = [];
    const stop = new AbortController();
    const stopped = run(seeds(), {
      ...options(program, { stopping: stop.signal }),
      checkpoint: { every: 5, save: async ({ step }) => void saved.push(step) },
      prepare: (seed, step) => {
        if (step === 6) stop.abort(new Error('asked to'));
        return prepare(seed);
      },
    });
    await expect(stopped).rejects.toThrow('asked to');
    expect(saved).toEqual([5, 7]);
    program.dispose();
  });

  it('skips and counts steps whose loss is not finite', async () => {
    const [disturbed, calm] = [newProgram(), newProgram()];
    const bad = from([0, -1, 1, -2, -1, 2]);
    const constant: Recipe = { ...recipe, steps: 6, warmup: 0, decay: { shape: 'constant' } };
    const metrics = await run(bad, options(disturbed, { recipe: constant, maxNonFinite: 3 }));
    expect(metrics.map(({ values }) => values.skipped)).toEqual([0, 1, 1, 2, 3, 3]);
    await run(from([0, 1, 2]), options(calm, { recipe: { ...constant, steps: 3 } }));
    expect(weights(disturbed)).toEqual(weights(calm));
    disturbed.dispose();
    calm.dispose();
  });

  it('gives up after so many such steps in a row', async () => {
    const program = newProgram();
    const saved: number[] = [];
    const saveBatch = async (batch: number) => {
      saved.push(batch);
      return 'not-finite.arrow';
    };
    const source = concat(of(0, -1, -2), seeds().pipe(map(() => -3)));
    const failed = run(source, options(program, { maxNonFinite: 3, saveBatch }));
    await expect(failed).rejects.toMatchObject({
      message: expect.stringContaining('loss NaN, gradient norm NaN at step 4: 3 steps in a row were not finite'),
      fault: { where: { file: 'not-finite.arrow' } },
    });
    expect(saved).toEqual([-3]);
    program.dispose();
  });

  it('counts them on where a run goes on', async () => {
    const program = newProgram();
    const saved: TrainingPosition[] = [];
    const checkpoint = { every: 1, save: async (position: TrainingPosition) => void saved.push(position) };
    const bad = concat(of(0, -1, -2), seeds().pipe(map(() => -3)));
    await expect(run(bad, options(program, { maxNonFinite: 5, checkpoint }))).rejects.toThrow('at step 6: 5 steps');
    expect(saved.map(({ failed }) => failed)).toEqual([0, 1, 2, 3, 4]);
    const on = options(program, { maxNonFinite: 5, start: saved[2]! });
    await expect(run(seeds().pipe(map(() => -3)), on)).rejects.toThrow('at step 6: 5 steps in a row');
    program.dispose();
  });

  it('says so when the batches end too early', async () => {
    const program = newProgram();
    await expect(run(from([0, 1]), options(program))).rejects.toThrow('the batches ended after 2 of 12 steps');
    program.dispose();
  });

  it('stops with the reason of its signal, even while it waits for a batch', async () => {
    const program = newProgram();
    const control = new AbortController();
    const running = run(concat(of(0), NEVER), options(program, { signal: control.signal }));
    control.abort(new Error('interrupted by the user'));
    await expect(running).rejects.toThrow('interrupted by the user');
    await expect(run(seeds(), options(program, { signal: control.signal }))).rejects.toThrow('interrupted by the user');
    program.dispose();
  });

  it('holds each batch from its arrival to the end of its step, and lets go of all when unsubscribed', async () => {
    const program = newProgram();
    const held = new Set<number>();
    let next = 0;
    const hold = () => {
      const id = next++;
      held.add(id);
      return () => held.delete(id);
    };
    const batches = new Subject<number>();
    const steps: number[] = [];
    const subscription = batches.pipe(train(options(program, { hold }))).subscribe(({ step }) => {
      steps.push(held.size);
      if (step === 2) subscription.unsubscribe();
    });
    for (const seed of [0, 1, 2, 0]) batches.next(seed);
    expect(held.size).toBe(4);
    await new Promise((resolve) => subscription.add(() => resolve(undefined)));
    expect(steps).toEqual([4, 3]);
    expect(held.size).toBe(0);
    program.dispose();
  });

  it('trains what the groups say and leaves frozen parameters as they are', async () => {
    const parameters = { weight: noise([4, 2], 1), shift: noise([2], 3) };
    const shifted: Objective = ({ weight, shift }, feeds) => objective({ weight: tf.add(weight!, shift!) }, feeds);
    const frozen: Recipe = { ...recipe, groups: [{ match: ['shift'], learningRate: 'frozen' }, ...recipe.groups] };
    const { program, trained } = trainingProgram(shifted, parameters, frozen);
    expect(trained).toEqual([{ name: 'weight', group: 1, weightDecay: 0.1, rateFactor: 1, isLayerMatrix: false }]);
    expect(program.names).toEqual(['weight', 'shift', 'exp_avg.weight', 'exp_avg_sq.weight']);
    await run(seeds(), options(program, { recipe: frozen }));
    const shift = program.read('shift');
    expect([...shift.dataSync()]).toEqual([...parameters.shift.dataSync()]);
    expect(weights(program)).not.toEqual([...parameters.weight.dataSync()]);
    program.dispose();
    tf.dispose([parameters, shift]);
  });

  it('refuses a schedule that cannot be followed', () => {
    const program = newProgram();
    expect(() => train(options(program, { recipe: { ...recipe, steps: 3, warmup: 3 } }))).toThrow(
      'a warm-up of 3 steps',
    );
    program.dispose();
  });
});
