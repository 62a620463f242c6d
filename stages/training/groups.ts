import { AlignflowError } from '../../pipeline/errors.js';
import type { ModelConfig } from '../models/config.js';
import { parameterShapes } from '../models/shapes.js';
import { nearestParameters, parameterPattern } from './pattern.js';

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
}

/** A trained parameter with the settings of its group. */
export interface TrainedParameter {
  readonly name: string;
  /** Index of its group. */
  readonly group: number;
  readonly weightDecay: number;
}

/**
 * Puts each parameter into the first group that matches it and gives the trained ones, in the order of `shapes`.
 * Throws for a pattern that matches no parameter, for a parameter without a group, and when nothing is trained.
 */
export function trainedParameters(
  groups: readonly ParameterGroup[],
  shapes: Readonly<Record<string, readonly number[]>>,
): TrainedParameter[] {
  const names = Object.keys(shapes);
  const matchers = groups.map((group) => group.match.map((pattern) => parameterPattern(pattern)));
  groups.forEach((group, g) => {
    checkRates(group);
    group.match.forEach((pattern, p) => {
      if (!names.some((name) => matchers[g]![p]!(name))) throw unmatched(pattern, names);
    });
  });

  const trained: TrainedParameter[] = [];
  const ungrouped: string[] = [];
  for (const name of names) {
    const g = matchers.findIndex((patterns) => patterns.some((matches) => matches(name)));
    const group = groups[g];
    if (group === undefined) ungrouped.push(name);
    else if (group.learningRate !== 'frozen') {
      const decay = shapes[name]!.length > 1 ? group.weightDecay : group.vectorDecay;
      trained.push({ name, group: g, weightDecay: decay ?? 0 });
    }
  }
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

function shorten(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');
}

/** How many values of a model are trained. Throws as `trainedParameters` does. */
export function countTrained(config: ModelConfig, groups: readonly ParameterGroup[]): number {
  const shapes = Object.fromEntries(parameterShapes(config));
  return trainedParameters(groups, shapes).reduce((sum, { name }) => sum + shapes[name]!.reduce((a, b) => a * b, 1), 0);
}
