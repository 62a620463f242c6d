import { AlignflowError } from '../../pipeline/errors.js';
import type { ModelConfig } from '../models/config.js';
import { parameterShapes } from '../models/shapes.js';
import { type LayerDecay, layerFactors, layerOf } from './layer-decay.js';
import type { OptimiserOptions } from './optimisers/create.js';
import { nearestParameters, parameterPattern } from './pattern.js';
import type { Decay } from './schedule.js';

/** Parameters that are trained alike, or not at all. */
export interface ParameterGroup {
  /**
   * Patterns of published names. `*` stands for any text within one part of a dotted name, `**` for any number of parts:
   * `vision_model.**`, `**.bias`, `qllama.layers.*.cross_attn.**`.
   */
  readonly match: readonly string[];
  /** Trained, with this peak learning rate; or `'frozen'`. */
  readonly learningRate: number | 'frozen';
  /** Decoupled weight decay of parameters with two or more dimensions. 0 by default. */
  readonly weightDecay?: number;
  /** Weight decay of parameters with one dimension or none (biases, norms, scales). 0 by default. */
  readonly vectorDecay?: number;
  /** Steps of linear warm-up, where they are other than the run's. */
  readonly warmup?: number;
  /** How the learning rate goes on after it, where that is other than the run's. */
  readonly decay?: Readonly<Decay>;
  /** The optimiser, where it is other than the run's. */
  readonly optimiser?: Readonly<OptimiserOptions>;
  /** Whether it takes what the groups before it leave, and may be left with nothing. It may not by default. */
  readonly takesRest?: boolean;
}

/** A trained parameter with the settings of its group. */
export interface TrainedParameter {
  readonly name: string;
  /** Index of its group. */
  readonly group: number;
  readonly weightDecay: number;
  /** Factor on the group's learning rate: layer-wise decay. */
  readonly rateFactor: number;
  /** Whether it is a matrix of a layer, which Muon takes: no embedding, projection or head. */
  readonly isLayerMatrix: boolean;
}

/**
 * Puts each parameter into the first group that matches it and gives the trained ones, in the order of `shapes`.
 * Throws for a pattern that matches no parameter, for a parameter without a group, for a group all of whose parameters have another,
 * and when nothing is trained.
 *
 * @param layerDecay of the learning rates; none unless given
 */
export function trainedParameters(
  groups: readonly ParameterGroup[],
  shapes: Readonly<Record<string, readonly number[]>>,
  layerDecay: LayerDecay = { vision: 1, text: 1 },
): TrainedParameter[] {
  const names = Object.keys(shapes);
  const factorOf = layerFactors(names, layerDecay);
  const matchers = groups.map((group) => group.match.map((pattern) => parameterPattern(pattern)));
  groups.forEach((group, g) => {
    checkRates(group);
    group.match.forEach((pattern, p) => {
      if (!names.some((name) => matchers[g]![p]!(name))) throw unmatched(pattern, names);
    });
  });

  const trained: TrainedParameter[] = [];
  const ungrouped: string[] = [];
  const empty = new Set(groups.filter(({ takesRest }) => takesRest !== true));
  for (const name of names) {
    const g = matchers.findIndex((patterns) => patterns.some((matches) => matches(name)));
    const group = groups[g];
    if (group !== undefined) empty.delete(group);
    if (group === undefined) ungrouped.push(name);
    else if (group.learningRate !== 'frozen') {
      const decay = shapes[name]!.length > 1 ? group.weightDecay : group.vectorDecay;
      const isLayerMatrix = shapes[name]!.length === 2 && layerOf(name) !== undefined;
      trained.push({ name, group: g, weightDecay: decay ?? 0, rateFactor: factorOf(name), isLayerMatrix });
    }
  }
  for (const { match } of empty) throw shadowed(match);
  if (ungrouped.length > 0) {
    throw new AlignflowError({
      what: `${ungrouped.length} of ${names.length} parameters are in no group: ${shorten(ungrouped)}`,
      expected: 'each parameter in a group, trained or frozen',
      fix: "add a last group that matches '**'",
    });
  }
  if (trained.length === 0) {
    throw new AlignflowError({
      what: 'all parameters are frozen',
      expected: 'at least one group with a learning rate',
    });
  }
  return trained;
}

function checkRates({ match, learningRate, weightDecay = 0, vectorDecay = 0 }: ParameterGroup): void {
  const rates = {
    'learning rate': learningRate === 'frozen' ? 0 : learningRate,
    'weight decay': weightDecay,
    vectorDecay,
  };
  for (const [label, rate] of Object.entries(rates)) {
    if (!(Number.isFinite(rate) && rate >= 0)) {
      throw new AlignflowError({
        what: `the group ${shorten(match)} has a ${label} of ${rate}`,
        expected: 'a finite number, 0 or more',
      });
    }
  }
}

function unmatched(pattern: string, names: readonly string[]): AlignflowError {
  return new AlignflowError({
    what: `no parameter matches '${pattern}'`,
    expected: `the nearest of ${names.length} names: ${nearestParameters(pattern, names).join(', ')}`,
    fix: '`*` stands for text within one part of a dotted name, `**` for any number of parts',
  });
}

function shadowed(match: readonly string[]): AlignflowError {
  return new AlignflowError({
    what: `the group ${shorten(match)} has no parameter: all that it matches are in groups before it`,
    expected: 'groups that each are the first to match some parameter',
    fix: 'put it before the groups that match more, or take it out',
  });
}

function shorten(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');
}

/** Throws for trained parameters that the loss does not reach, unless there are none. */
export function checkReached(unreached: readonly Pick<TrainedParameter, 'name'>[]): void {
  if (unreached.length > 0) {
    throw new AlignflowError({
      what: `the loss does not depend on ${unreached.length} trained parameters, the first of them ${unreached[0]!.name}`,
      expected: 'a loss that reaches each parameter of a trained group',
      fix: 'freeze these parameters, by a group before the one that trains them',
    });
  }
}

/** What is known of the trained parameters of a stage. */
export interface TrainedExpectation {
  /** Patterns of the parameters that the loss of the stage does not reach. */
  readonly unreached: readonly string[];
  /** How many values whoever wrote the manifest expects; any number unless given. */
  readonly values?: number | undefined;
}

/** How many values of a model are trained. Throws as `trainedParameters` does, and when they are not what is expected. */
export function countTrained(
  config: ModelConfig,
  groups: readonly ParameterGroup[],
  { unreached, values }: TrainedExpectation,
): number {
  const shapes = Object.fromEntries(parameterShapes(config));
  const trained = trainedParameters(groups, shapes);
  const isUnreached = unreached.map(parameterPattern);
  checkReached(trained.filter(({ name }) => isUnreached.some((matches) => matches(name))));
  const count = trained.reduce((sum, { name }) => sum + shapes[name]!.reduce((a, b) => a * b, 1), 0);
  if (values === undefined || values === count) return count;
  throw new AlignflowError({
    what: `${count} values in ${trained.length} parameters are trained`,
    expected: `${values}, as trainedParameters says`,
    fix: 'look at the patterns of the groups, or mend the number',
  });
}
