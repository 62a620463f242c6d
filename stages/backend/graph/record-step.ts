import type * as tf from '@tensorflow/tfjs-core';
import type { TensorflowBackend, TensorMetadata } from '../addon.js';
import { checkUpdates, type Step, type Tensors } from '../program.js';
import type { RecordedStep } from './definition.js';
import { useNativeGather } from './gather.js';
import { record } from './recorder.js';

/** A step as it was recorded, and what it gives and is fed by name. */
export interface NamedStep {
  readonly recorded: RecordedStep;
  /** Names of the feeds, in the order in which the graph takes them. */
  readonly feeds: readonly string[];
  /** Names of the outputs, in the order in which the graph gives them. */
  readonly outputs: readonly string[];
}

/** A variable or a feed of a step, as a recording knows it. */
interface Given {
  readonly name: string;
  readonly handle: TensorMetadata;
}

/** Goes through a step once to see what it does. Nothing is computed or updated. Call it in a scope of `tf.engine`. */
export function recordStep(
  backend: TensorflowBackend,
  { name, step }: { readonly name: string; readonly step: Step },
  state: ReadonlyMap<string, tf.Tensor>,
  feeds: Tensors,
): NamedStep {
  const variables = [...state].map(([key, value]) => ({ name: key, handle: ownHandle(backend, value) }));
  const fed = Object.keys(feeds)
    .sort()
    .map((feed) => ({ name: feed, handle: ownHandle(backend, feeds[feed]!) }));
  return recordGiven(backend, { name, step }, variables, fed);
}

/** The type of a tensor, by TensorFlow's number, and its shape. */
export type Kind = Pick<TensorMetadata, 'dtype'> & { readonly shape: readonly number[] };

/** The kinds of tensors. */
export function kindsOf(backend: TensorflowBackend, tensors: Tensors): Record<string, Kind> {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { dataId, shape }]) => [
      name,
      { dtype: backend.tensorMap.get(dataId)!.dtype, shape },
    ]),
  );
}

/**
 * A step recorded from the kinds of its variables and feeds alone, and what it gives. No step runs; ops run on zeros, one at a
 * time, where their shapes were not seen before (`shapes.ts`): this takes the memory of the largest op, not of a step.
 */
export function rehearseStep(
  backend: TensorflowBackend,
  step: Step,
  variables: Readonly<Record<string, Kind>>,
  feeds: Readonly<Record<string, Kind>>,
): { readonly recorded: RecordedStep; readonly outputs: Readonly<Record<string, readonly number[]>> } {
  useNativeGather();
  // Below the numbers that a recording gives to what it has not computed.
  let next = -(2 ** 40);
  const given = (kinds: Readonly<Record<string, Kind>>): Given[] =>
    Object.entries(kinds).map(([name, { dtype, shape }]) => ({
      name,
      handle: { id: next--, shape: [...shape], dtype },
    }));
  const { outputs, recorded } = recordGiven(backend, { name: 'step', step }, given(variables), given(feeds));
  const shapes = new Map<number, readonly number[]>();
  for (const entry of recorded.recording) {
    if (entry.kind === 'constant') shapes.set(entry.id, entry.shape);
    else for (const { id, shape } of entry.outputs) shapes.set(id, shape);
  }
  for (const { id, shape } of [...recorded.variables, ...recorded.feeds]) shapes.set(id, shape);
  return { recorded, outputs: Object.fromEntries(outputs.map((name, i) => [name, shapes.get(recorded.outputs[i]!)!])) };
}

function recordGiven(
  backend: TensorflowBackend,
  { name, step }: { readonly name: string; readonly step: Step },
  variables: readonly Given[],
  feeds: readonly Given[],
): NamedStep {
  const handles = (given: readonly Given[]) => given.map(({ handle }) => handle);
  const tensors = (given: readonly Given[]): Record<string, tf.Tensor> =>
    Object.fromEntries(given.map((one) => [one.name, backend.createOutputTensor(one.handle)]));
  const { recording, result } = record(backend, [...handles(variables), ...handles(feeds)], () => {
    const state = tensors(variables);
    const { outputs, updates } = step(state, tensors(feeds));
    checkUpdates(updates, new Map(Object.entries(state)));
    const idOf = (tensor: tf.Tensor) => backend.getInputTensorIds([tensor])[0]!;
    const places = new Map(variables.map((one, i) => [one.name, i]));
    return {
      outputs: Object.entries(outputs).map(([output, tensor]) => ({ name: output, id: idOf(tensor) })),
      updates: Object.entries(updates).map(([key, tensor]) => ({ variable: places.get(key)!, id: idOf(tensor) })),
    };
  });
  const recorded: RecordedStep = {
    name,
    recording,
    variables: handles(variables),
    feeds: handles(feeds),
    outputs: result.outputs.map(({ id }) => id),
    updates: result.updates,
  };
  return {
    recorded,
    feeds: feeds.map((feed) => feed.name),
    outputs: result.outputs.map((output) => output.name),
  };
}

/**
 * A second handle on the same memory. Two tensors of tfjs may share one handle (`clone`), but a recording tells its inputs
 * apart by their handles.
 */
function ownHandle(backend: TensorflowBackend, tensor: tf.Tensor): TensorMetadata {
  return backend.binding.executeOp('Identity', [], backend.getInputTensorIds([tensor]), 1)[0]!;
}
