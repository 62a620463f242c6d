import * as tf from '@tensorflow/tfjs-core';
import { shapesOf, whyNotRecorded } from '../backend/graph/compiled.js';
import { type Phase, phasedProgram } from '../backend/graph/phases.js';
import {
  type Accept,
  type FirstValues,
  ownValue,
  type PhasedProgram,
  type Program,
  type Tensors,
} from '../backend/program.js';
import {
  addAll,
  type CachedSteps,
  cachedSteps,
  chunkBounds,
  gradientName,
  sumName,
  type TowerObjective,
} from './cached-step.js';
import type { TrainedParameter } from './groups.js';
import type { Recipe } from './recipe.js';

/**
 * The program of a step with gradient caching: `chunk` rows at most go through the model at once. Run and read like that of a whole
 * step, with the same outputs. The variables stay the caller's.
 * @param against why nothing is to be recorded; undefined where it may be
 */
export function cachedProgram(
  objective: TowerObjective,
  trained: readonly TrainedParameter[],
  recipe: Recipe & { readonly chunk: number },
  variables: FirstValues,
  accept?: Accept,
  against = whyNotRecorded(),
): Program {
  const steps = cachedSteps(objective, trained, recipe);
  /** Until the first batch tells the shapes. */
  let waiting: Map<string, tf.Tensor> | undefined = new Map(
    Object.entries(variables).map(([name, value]) => [name, tf.keep(ownValue(value))]),
  );
  const names = [...waiting.keys()];
  let phased: PhasedProgram | undefined;
  let shapes: string | undefined;

  const present = (): Record<string, tf.Tensor> =>
    phased === undefined
      ? Object.fromEntries([...waiting!].map(([name, value]) => [name, value.clone()]))
      : Object.fromEntries(names.map((name) => [name, phased!.read(name)]));
  const handOver = (name: string): tf.Tensor => {
    if (phased !== undefined) return phased.read(name);
    const value = waiting!.get(name)!;
    waiting!.delete(name);
    return value;
  };
  const programFor = (feeds: Tensors): PhasedProgram => {
    const now = shapesOf(feeds);
    if (phased !== undefined && shapes === now) return phased;
    const values = present();
    const phases = phasesOf(steps, objective, recipe.chunk, feeds, values);
    const sums = trained.map(({ name }) => {
      const { shape } = values[name]!;
      return [sumName(name), () => tf.zeros(shape)] as const;
    });
    tf.dispose(values);
    // They go over one after the other, so that all of them are never there twice.
    const first = Object.fromEntries(names.map((name) => [name, () => handOver(name)]));
    const next = phasedProgram(phases, { ...first, ...Object.fromEntries(sums) }, accept, against);
    tf.dispose(Object.values(phases).map(({ example }) => ({ ...example })));
    phased?.dispose();
    waiting = undefined;
    phased = next;
    shapes = now;
    return next;
  };

  return {
    names,
    get mode() {
      return phased?.mode ?? 'compiled';
    },
    get reason() {
      return phased?.reason;
    },
    get memory() {
      return phased?.memory;
    },
    run(feeds) {
      const program = programFor(feeds);
      return tf.tidy(() => runChunks(program, objective, recipe.chunk, feeds));
    },
    read: (name) => phased?.read(name) ?? waiting!.get(name)!.clone(),
    write(name, value) {
      if (phased !== undefined) {
        phased.write(name, value);
        return;
      }
      waiting!.get(name)?.dispose();
      waiting!.set(name, tf.keep(value.clone()));
    },
    dispose() {
      phased?.dispose();
      for (const value of waiting?.values() ?? []) value.dispose();
    },
  };
}

/** One step: both passes over the chunks of a batch, the loss between them and the update behind them. */
function runChunks(
  program: PhasedProgram,
  objective: TowerObjective,
  largest: number,
  feeds: Tensors,
): Record<string, tf.Tensor> {
  const bounds = chunkBounds(objective.rows(feeds), largest);
  const chunks = bounds.slice(1).map((to, i) => {
    const from = bounds[i]!;
    return { from, rows: to - from, feeds: objective.slice(feeds, from, to) };
  });
  const encoded = chunks.map((chunk) => program.run(`encode.${chunk.rows}`, chunk.feeds));
  const names = Object.keys(encoded[0]!);
  const all = names.map((name) => [name, tf.concat(encoded.map((part) => part[name]!))] as const);
  const { loss: met, ...rest } = program.run('loss', Object.fromEntries(all));
  const own = chunks.map(({ from, rows, feeds: part }) => {
    const gradients = names.map((name) => {
      const gradient = rest[gradientName(name)]!;
      return [gradientName(name), tf.slice(gradient, [from, 0], [rows, gradient.shape[1]!])] as const;
    });
    return program.run(`backward.${rows}`, { ...part, ...Object.fromEntries(gradients) });
  });
  const losses = Object.fromEntries(
    Object.keys(own[0]!).map((name) => [name, tf.addN(own.map((chunk) => chunk[name]!))] as const),
  );
  const loss = addAll(met!, losses);
  const updated = program.run('update', { ...scalarsOf(feeds, chunks[0]!.feeds), loss });
  const metrics = pick(rest, (name) => !name.startsWith(gradientName('')));
  return { ...metrics, ...losses, loss, ...updated };
}

/** The phases of a batch, with feeds of the shapes that each gets: the tensors belong to the caller. */
function phasesOf(
  { encode, loss, backward, update }: CachedSteps,
  objective: TowerObjective,
  largest: number,
  feeds: Tensors,
  parameters: Tensors,
): Record<string, Phase> {
  const rows = objective.rows(feeds);
  const bounds = chunkBounds(rows, largest);
  const sizes = [...new Set(bounds.slice(1).map((to, i) => to - bounds[i]!))];
  const phases: Record<string, Phase> = {};
  // Embeddings of one row say how wide they are.
  const widths = tf.tidy(() => {
    const one = objective.slice(feeds, 0, 1);
    return Object.entries(objective.encode(parameters, one)).map(([name, { shape }]) => [name, shape[1]!] as const);
  });
  const embeddings = (count: number, named: (name: string) => string = (name) => name) =>
    Object.fromEntries(widths.map(([name, width]) => [named(name), tf.zeros([count, width])]));
  for (const size of sizes) {
    const part = () => objective.slice(feeds, 0, size);
    phases[`encode.${size}`] = { step: encode, example: part() };
    phases[`backward.${size}`] = { step: backward, example: { ...part(), ...embeddings(size, gradientName) } };
  }
  phases.loss = { step: loss, example: embeddings(rows) };
  const scalars = Object.entries(scalarsOf(feeds, phases[`encode.${sizes[0]!}`]!.example));
  const copies = Object.fromEntries(scalars.map(([name, value]) => [name, value.clone()]));
  phases.update = { step: update, example: { ...copies, loss: tf.scalar(0) } };
  return phases;
}

/** The feeds that are no part of the batch: learning rates and what optimisers are fed. */
function scalarsOf(feeds: Tensors, batch: Tensors): Tensors {
  return pick(feeds, (name) => !Object.hasOwn(batch, name));
}

function pick(tensors: Tensors, wanted: (name: string) => boolean): Record<string, tf.Tensor> {
  return Object.fromEntries(Object.entries(tensors).filter(([name]) => wanted(name)));
}
