import type * as tf from '@tensorflow/tfjs-core';
import type { TensorflowBackend, TensorMetadata } from '../addon.js';
import { checkUpdates, type Step, type StepMemory, type Tensors } from '../program.js';
import type { RecordedStep } from './definition.js';
import { stepMemory } from './peak.js';
import { record } from './recorder.js';

/** A step as it was recorded, and what it gives and is fed by name. */
export interface NamedStep {
  readonly recorded: RecordedStep;
  /** What it needs in memory. */
  readonly memory: StepMemory;
  /** Names of the feeds, in the order in which the graph takes them. */
  readonly feeds: readonly string[];
  /** Names of the outputs, in the order in which the graph gives them. */
  readonly outputs: readonly string[];
}

/** Goes through a step once to see what it does. Nothing is computed or updated. Call it in a scope of `tf.engine`. */
export function recordStep(
  backend: TensorflowBackend,
  { name, step }: { readonly name: string; readonly step: Step },
  state: ReadonlyMap<string, tf.Tensor>,
  feeds: Tensors,
): NamedStep {
  const names = [...state.keys()];
  const order = Object.keys(feeds).sort();
  const variables = [...state.values()].map((value) => ownHandle(backend, value));
  const fed = order.map((feed) => ownHandle(backend, feeds[feed]!));
  const tensors = (keys: readonly string[], handles: readonly TensorMetadata[]): Tensors =>
    Object.fromEntries(keys.map((key, i) => [key, backend.createOutputTensor(handles[i]!)]));
  const inputs = [tensors(names, variables), tensors(order, fed)] as const;
  const { recording, result } = record(backend, [...variables, ...fed], () => {
    const { outputs, updates } = step(...inputs);
    checkUpdates(updates, state);
    const idOf = (tensor: tf.Tensor) => backend.getInputTensorIds([tensor])[0]!;
    return {
      outputs: Object.entries(outputs).map(([output, tensor]) => ({ name: output, id: idOf(tensor) })),
      updates: Object.entries(updates).map(([key, tensor]) => ({ variable: names.indexOf(key), id: idOf(tensor) })),
    };
  });
  const recorded: RecordedStep = {
    name,
    recording,
    variables,
    feeds: fed,
    outputs: result.outputs.map(({ id }) => id),
    updates: result.updates,
  };
  return {
    recorded,
    memory: stepMemory(recorded),
    feeds: order,
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
