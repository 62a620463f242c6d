import * as tf from '@tensorflow/tfjs-core';
import { AlignflowError } from '../../pipeline/errors.js';

/** Tensors by name: the variables of a program, or the feeds of one run. */
export type Tensors = Readonly<Record<string, tf.Tensor>>;

/** The first value of a variable: a tensor that stays the caller's, or what makes one, which is the program's, when its turn comes. */
export type FirstValue = tf.Tensor | (() => tf.Tensor);

/** First values of variables, by name. */
export type FirstValues = Readonly<Record<string, FirstValue>>;

/** What one run of a step gives. */
export interface StepResult {
  /** Values for the caller: losses, embeddings. */
  readonly outputs: Tensors;
  /** New values of variables, by name. A variable that is not named keeps its value. */
  readonly updates: Tensors;
}

/**
 * One step as a pure function. It reads nothing but `variables` and `feeds`, never asks for the values of a tensor, and takes
 * everything random or changing (indices, masks, learning rates) as a feed. Only then can it be recorded and replayed.
 */
export type Step = (variables: Tensors, feeds: Tensors) => StepResult;

/** What a step needs in memory, as its recording tells. */
export interface StepMemory {
  /** Bytes of the variables; new values take the place of old ones. */
  readonly variables: number;
  /** The most bytes that all else takes at once. */
  readonly peak: number;
  /** Bytes that TensorFlow's allocator touches for both, with the holes that it leaves between them. */
  readonly resident: number;
}

/** Told what a recorded step needs before it runs; refuses it by throwing. */
export type Accept = (memory: StepMemory) => void;

/** A step together with the variables that it reads and updates. */
export interface Program {
  /** Names of all variables. */
  readonly names: readonly string[];
  /** How the step runs: as a recorded TensorFlow graph, or op by op. What is to be compiled may turn eager in its first run. */
  readonly mode: 'compiled' | 'eager';
  /** Why the mode is `eager`. Undefined when it is `compiled`, or when eager is what was asked for. */
  readonly reason: string | undefined;
  /** What the largest recorded step needs; undefined before the first run, and when steps run op by op. */
  readonly memory: StepMemory | undefined;
  /** Runs the step once and applies its updates. The tensors returned belong to the caller; the feeds stay the caller's too. */
  run(feeds: Tensors): Record<string, tf.Tensor>;
  /** The present value of a variable, as a tensor that belongs to the caller. */
  read(name: string): tf.Tensor;
  /** Sets a variable. The tensor stays the caller's. */
  write(name: string, value: tf.Tensor): void;
  /** Frees everything that the program holds. */
  dispose(): void;
}

/** Steps over the same variables that run in turn, each as often as is asked for. */
export interface PhasedProgram {
  /** Names of all variables. */
  readonly names: readonly string[];
  readonly mode: 'compiled' | 'eager';
  /** Why the mode is `eager`; undefined when it is `compiled`. */
  readonly reason: string | undefined;
  /** What the phases need in turn; undefined when they run op by op. */
  readonly memory: StepMemory | undefined;
  /** Runs a phase once and applies its updates. The tensors returned belong to the caller; the feeds stay the caller's too. */
  run(phase: string, feeds: Tensors): Record<string, tf.Tensor>;
  /** The present value of a variable, as a tensor that belongs to the caller. */
  read(name: string): tf.Tensor;
  /** Sets a variable. The tensor stays the caller's. */
  write(name: string, value: tf.Tensor): void;
  dispose(): void;
}

/**
 * A program that runs the step op by op. It works on every backend. Variables that are tensors stay the caller's.
 *
 * @param reason why it is not compiled, where that was wanted
 */
export function eagerProgram(step: Step, variables: FirstValues, reason?: string): Program {
  const { run, ...program } = eagerPhases({ step }, variables, reason);
  return { ...program, run: (feeds) => run('step', feeds) };
}

/** As `eagerProgram`, for several steps. */
export function eagerPhases(
  steps: Readonly<Record<string, Step>>,
  variables: FirstValues,
  reason: string | undefined,
): PhasedProgram {
  const state = new Map(Object.entries(variables).map(([name, value]) => [name, tf.keep(ownValue(value))]));
  const replace = (name: string, value: tf.Tensor) => {
    state.get(name)?.dispose();
    state.set(name, tf.keep(value));
  };
  return {
    names: [...state.keys()],
    mode: 'eager',
    reason,
    memory: undefined,
    run(phase, feeds) {
      const { outputs, updates } = tf.tidy(() => {
        const result = steps[phase]!(Object.fromEntries(state), feeds);
        checkUpdates(result.updates, state);
        return { outputs: cloneAll(result.outputs), updates: cloneAll(result.updates) };
      });
      for (const [name, value] of Object.entries(updates)) replace(name, value);
      return outputs;
    },
    read: (name) => variableOf(state, name).clone(),
    write(name, value) {
      checkUpdates({ [name]: value }, state);
      replace(name, value.clone());
    },
    dispose() {
      for (const value of state.values()) value.dispose();
      state.clear();
    },
  };
}

/** A first value as a tensor that belongs to the caller; what is a tensor already is not copied, but shared. */
export function ownValue(value: FirstValue): tf.Tensor {
  return typeof value === 'function' ? value() : value.clone();
}

/** Throws unless each update names a variable and has its shape and dtype. */
export function checkUpdates(
  updates: Tensors,
  variables: ReadonlyMap<string, Pick<tf.Tensor, 'shape' | 'dtype'>>,
): void {
  for (const [name, value] of Object.entries(updates)) {
    const variable = variableOf(variables, name);
    if (value.dtype !== variable.dtype || !tf.util.arraysEqual(value.shape, variable.shape)) {
      throw new AlignflowError({
        what: `variable ${name} is given ${value.dtype} [${value.shape.join(', ')}]`,
        expected: `${variable.dtype} [${variable.shape.join(', ')}]`,
      });
    }
  }
}

/** The entry of that name, or an error that says which names there are. */
export function variableOf<T>(variables: ReadonlyMap<string, T>, name: string): T {
  const variable = variables.get(name);
  if (variable === undefined) {
    const known = [...variables.keys()];
    const shown = known.slice(0, 8).join(', ');
    throw new AlignflowError({
      what: `the program has no variable ${name}`,
      expected: known.length > 8 ? `one of ${shown} and ${known.length - 8} more` : `one of ${shown}`,
    });
  }
  return variable;
}

function cloneAll(tensors: Tensors): Record<string, tf.Tensor> {
  return Object.fromEntries(Object.entries(tensors).map(([name, value]) => [name, value.clone()]));
}
