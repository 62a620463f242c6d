/**
 * Gradient caching (Gao et al., arXiv 2101.06983): a contrastive step on a batch of which only a chunk goes through the model at
 * once. Each chunk is encoded and forgotten; the loss of the whole batch gives the gradient of each embedding; then each chunk is
 * encoded again and that gradient taken back through it, with those of the losses in which rows do not meet. The gradient of the
 * batch is that of one pass over all of it.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Step, Tensors } from '../backend/program.js';
import { inModule } from '../models/module.js';
import { checkReached, type TrainedParameter } from './groups.js';
import type { Recipe } from './recipe.js';
import { asTheRecipeSays, lossGradients, type Objective, updateRule } from './step.js';

/** An objective in which the rows of a batch meet in one loss alone, that of their embeddings. */
export interface TowerObjective {
  /** Embeddings of some rows by name, each [rows, dim]. */
  readonly encode: (parameters: Tensors, feeds: Tensors) => Tensors;
  /**
   * The same embeddings, and the losses in which rows do not meet, by name: those of a batch are the sums over its chunks. They are
   * added to the loss of the embeddings. There are none unless this is given.
   */
  readonly withRowLosses?: (parameters: Tensors, feeds: Tensors) => RowLosses;
  /** The loss of a whole batch, from the embeddings of all its rows. */
  readonly loss: (parameters: Tensors, embeddings: Tensors) => ReturnType<Objective>;
  /** Parameters that the loss uses by itself: CLIP's logit scale. The towers do not use them. */
  readonly lossParameters: readonly string[];
  /** How many rows the feeds of a batch hold. */
  readonly rows: (feeds: Tensors) => number;
  /** The feeds of rows `from` to before `to`; the tensors belong to the caller. */
  readonly slice: (feeds: Tensors, from: number, to: number) => Tensors;
}

/** What a pass over some rows gives. */
export interface RowLosses {
  readonly embeddings: Tensors;
  /** Scalars. */
  readonly losses: Tensors;
}

/** The objective as one pass over the whole batch. */
export function wholeObjective(objective: Pick<TowerObjective, 'encode' | 'withRowLosses' | 'loss'>): Objective {
  return (parameters, feeds) => {
    const { embeddings, losses } = passOver(objective, parameters, feeds);
    const { loss, metrics } = objective.loss(parameters, embeddings);
    return { loss: addAll(loss, losses), metrics: { ...metrics, ...losses } };
  };
}

function passOver(
  { encode, withRowLosses }: Pick<TowerObjective, 'encode' | 'withRowLosses'>,
  parameters: Tensors,
  feeds: Tensors,
): RowLosses {
  return withRowLosses?.(parameters, feeds) ?? { embeddings: encode(parameters, feeds), losses: {} };
}

/** A loss with others added to it. */
export function addAll(loss: tf.Tensor, others: Tensors): tf.Tensor {
  return Object.values(others).reduce((sum, other) => tf.add(sum, other), loss);
}

/** Name of the variable that holds the sum of a parameter's gradient over the chunks so far. */
export const sumName = (parameter: string) => `gradient_sum.${parameter}`;

/** Name of the feed that holds the gradient of an embedding. */
export const gradientName = (embedding: string) => `gradient.${embedding}`;

/** The parts of a step. Beside parameters and state, their variables are the sums of the gradients. */
export interface CachedSteps {
  /** Feeds of a chunk to its embeddings. */
  readonly encode: Step;
  /** Embeddings of the batch to `loss`, metrics and the gradient of each embedding; begins the sums. */
  readonly loss: Step;
  /** Feeds of a chunk and the gradients of its embeddings: adds to the sums. Outputs the chunk's own losses. */
  readonly backward: Step;
  /** The `loss` and the scalars of the recipe: the update by the sums. Outputs `gradient_norm` and `counts`. */
  readonly update: Step;
}

/** The parts of the step of a recipe. */
export function cachedSteps(
  objective: TowerObjective,
  trained: readonly TrainedParameter[],
  recipe: Recipe,
): CachedSteps {
  const { encode, loss, lossParameters } = objective;
  const own = trained.filter(({ name }) => lossParameters.includes(name));
  const towers = trained.filter(({ name }) => !lossParameters.includes(name));
  const apply = updateRule(trained, recipe);
  return {
    encode: (parameters, feeds) => ({ outputs: asTheRecipeSays(recipe, () => encode(parameters, feeds)), updates: {} }),

    loss(variables, embeddings) {
      const names = Object.keys(embeddings);
      const inputs = [...names.map((name) => embeddings[name]!), ...own.map(({ name }) => variables[name]!)];
      const found = asTheRecipeSays(recipe, () => lossGradients(() => loss(variables, embeddings), inputs));
      checkReached(own.filter((_, i) => found.gradients[names.length + i] == null));
      const gradients = names.map((name, i) => [gradientName(name), found.gradients[i]!] as const);
      const sums = [
        ...own.map(({ name }, i) => [sumName(name), found.gradients[names.length + i]!] as const),
        ...towers.map(({ name }) => [sumName(name), tf.zerosLike(variables[name]!)] as const),
      ];
      return {
        outputs: { ...found.metrics, loss: found.loss, ...Object.fromEntries(gradients) },
        updates: Object.fromEntries(sums),
      };
    },

    backward(variables, feeds) {
      // Where the loss's own parameters alone are trained, there is nothing to take back: the losses of rows are only looked at.
      if (towers.length === 0) {
        const passed = asTheRecipeSays(recipe, () => objective.withRowLosses?.(variables, feeds));
        return { outputs: passed?.losses ?? {}, updates: {} };
      }
      const along = () => {
        const { embeddings, losses } = passOver(objective, variables, feeds);
        const products = Object.entries(embeddings).map(([name, embedding]) =>
          tf.sum(tf.mul(embedding, feeds[gradientName(name)]!)),
        );
        return { loss: inModule('loss', () => addAll(tf.addN(products), losses)), metrics: losses };
      };
      const inputs = towers.map(({ name }) => variables[name]!);
      const { gradients, metrics } = asTheRecipeSays(recipe, () => lossGradients(along, inputs));
      checkReached(towers.filter((_, i) => gradients[i] == null));
      const sums = towers.map(
        ({ name }, i) => [sumName(name), tf.add(variables[sumName(name)]!, gradients[i]!)] as const,
      );
      return { outputs: metrics, updates: Object.fromEntries(sums) };
    },

    update(variables, feeds) {
      const gradients = trained.map(({ name }) => variables[sumName(name)]!);
      return apply(variables, feeds, feeds.loss!, gradients);
    },
  };
}

/** The first row of each chunk, and the end: as few chunks as have `largest` rows at most, of sizes that differ by one at most. */
export function chunkBounds(rows: number, largest: number): number[] {
  const chunks = Math.ceil(rows / largest);
  return Array.from({ length: chunks + 1 }, (_, i) => Math.round((i * rows) / chunks));
}
