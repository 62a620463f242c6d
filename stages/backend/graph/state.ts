import * as tf from '@tensorflow/tfjs-core';
import { AlignflowError } from '../../../pipeline/errors.js';
import type { TensorflowBackend } from '../addon.js';
import { nativeOps, typeAttribute } from '../native.js';
import { checkUpdates, type FirstValue, type FirstValues, ownValue, variableOf } from '../program.js';
import type { GraphSession } from './session.js';

/** The values of a program's variables: in the graph that used them last, or here. They move without a copy. */
export interface GraphState {
  readonly names: readonly string[];
  /** Brings the values out of the graph that holds them. */
  take(): ReadonlyMap<string, tf.Tensor>;
  /** Puts the values into a graph. */
  give(session: GraphSession): void;
  /** The present value of a variable, as a tensor that belongs to the caller. */
  read(name: string): tf.Tensor;
  write(name: string, value: tf.Tensor): void;
  /** Marks the values as undefined after a run that failed half-way: some may be updated already. */
  spoil(failure: unknown): void;
  dispose(): void;
}

/** Holds copies of the first values, which are made one after the other: two of one variable at most are there at once. */
export function createState(backend: TensorflowBackend, variables: FirstValues): GraphState {
  const names = Object.keys(variables);
  let values: Map<string, tf.Tensor> | undefined = new Map(names.map((name) => [name, copied(variables[name]!)]));
  let holder: GraphSession | undefined;
  let failure: unknown;

  const take = () => {
    if (failure !== undefined) throw undefinedState(failure);
    if (values !== undefined) return values;
    const handles = holder!.readAll();
    values = new Map(names.map((name, i) => [name, tf.keep(backend.createOutputTensor(handles[i]!))]));
    return values;
  };
  return {
    names,
    take,
    give(session) {
      if (failure !== undefined) throw undefinedState(failure);
      if (values === undefined && holder === session) return;
      const moved = take();
      if (holder !== session) holder?.release();
      session.assignAll(backend.getInputTensorIds(names.map((name) => moved.get(name)!)));
      for (const value of moved.values()) value.dispose();
      values = undefined;
      holder = session;
    },
    read: (name) => variableOf(take(), name).clone(),
    write(name, value) {
      const present = take();
      checkUpdates({ [name]: value }, present);
      present.get(name)?.dispose();
      present.set(name, copyOf(value));
    },
    spoil(error) {
      failure = error;
    },
    dispose() {
      for (const value of values?.values() ?? []) value.dispose();
      values = undefined;
      holder = undefined;
    },
  };
}

function copied(first: FirstValue): tf.Tensor {
  const value = ownValue(first);
  try {
    return copyOf(value);
  } finally {
    value.dispose();
  }
}

/**
 * A copy in TensorFlow's own memory. A tensor made of a typed array may lie in the array's memory (the addon shares what is
 * aligned to 64 bytes), and when a graph replaces a variable it frees the old value on a thread of its own, where nothing of
 * JavaScript's may be freed.
 */
function copyOf(tensor: tf.Tensor): tf.Tensor {
  const type = typeAttribute('T', tensor.dtype as 'float32' | 'int32' | 'bool');
  return tf.keep(nativeOps()!.execute('DeepCopy', [type], [tensor], 1)[0]!);
}

function undefinedState(cause: unknown): AlignflowError {
  return new AlignflowError({
    what: 'an earlier step failed half-way, so the variables of the program are undefined',
    fix: 'go on from the last checkpoint',
    cause,
  });
}
