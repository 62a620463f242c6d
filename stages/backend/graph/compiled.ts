import * as tf from '@tensorflow/tfjs-core';
import { AlignflowError, reasonOf } from '../../../pipeline/errors.js';
import { type TensorflowBackend, type TensorMetadata, tensorflowBackend } from '../addon.js';
import { nativeOps, typeAttribute } from '../native.js';
import { checkUpdates, eagerProgram, type Program, type Step, type Tensors, variableOf } from '../program.js';
import { graphOf } from './definition.js';
import { useNativeGather } from './gather.js';
import { record, UnrecordableError } from './recorder.js';
import { type GraphSession, openSession } from './session.js';

/** A step that meets more sets of feed shapes than this is not worth recording. */
const mostGraphs = 16;

/** The graph of one set of feed shapes. */
interface Compiled {
  readonly session: GraphSession;
  readonly outputs: readonly string[];
}

/**
 * A program that records the step the first time it meets a set of feed shapes, and replays it as a TensorFlow graph from then
 * on. Each graph has variables of its own, and one of them holds the state: when another graph's turn comes, or a variable is
 * read or written, the state moves, without a copy. A step that cannot be recorded, or a backend other than TensorFlow's,
 * or `ALIGNFLOW_COMPILE=0` in the environment, runs it op by op, and `reason` says why. The variables stay the caller's.
 *
 * A run that fails leaves the variables undefined: some may be updated already. The program then refuses to go on.
 */
export function compiledProgram(step: Step, variables: Tensors): Program {
  const backend = tensorflowBackend();
  if (backend === undefined) return eagerProgram(step, variables, `the backend ${tf.getBackend()} knows no graphs`);
  if (process.env.ALIGNFLOW_COMPILE === '0') return eagerProgram(step, variables, 'ALIGNFLOW_COMPILE=0 asks for it');
  useNativeGather();
  const names = Object.keys(variables);
  const graphs = new Map<string, Compiled>();
  /** The state while no graph holds it. */
  let state: Map<string, tf.Tensor> | undefined = new Map(names.map((name) => [name, copyOf(variables[name]!)]));
  let holder: GraphSession | undefined;
  let feedNames: string | undefined;
  let eager: Program | undefined;
  let failure: unknown;

  /** Brings the state out of the graph that holds it. */
  const take = () => {
    if (failure !== undefined) throw undefinedState(failure);
    if (state !== undefined) return state;
    const handles = holder!.readAll();
    state = new Map(names.map((name, i) => [name, tf.keep(backend.createOutputTensor(handles[i]!))]));
    return state;
  };
  const give = (session: GraphSession) => {
    if (failure !== undefined) throw undefinedState(failure);
    if (state === undefined && holder === session) return;
    const values = take();
    if (holder !== session) holder?.release();
    session.assignAll(backend.getInputTensorIds(names.map((name) => values.get(name)!)));
    for (const value of values.values()) value.dispose();
    state = undefined;
    holder = session;
  };
  const fallBack = (reason: string) => {
    eager = eagerProgram(step, Object.fromEntries(take()), reason);
    closeAll();
    return eager;
  };
  const closeAll = () => {
    for (const { session } of graphs.values()) session.close();
    graphs.clear();
    for (const value of state?.values() ?? []) value.dispose();
    state = undefined;
    holder = undefined;
  };
  const compiledFor = (feeds: Tensors, order: readonly string[]): Compiled | string => {
    const key = order.map((name) => `${feeds[name]!.dtype}[${feeds[name]!.shape.join()}]`).join();
    const known = graphs.get(key);
    if (known !== undefined) return known;
    if (graphs.size >= mostGraphs) return `the feeds have come in more than ${mostGraphs} sets of shapes`;
    try {
      const compiled = compile(backend, step, take(), feeds, order);
      graphs.set(key, compiled);
      return compiled;
    } catch (error) {
      if (error instanceof UnrecordableError) return error.message;
      throw error;
    }
  };

  return {
    names,
    get mode() {
      return eager === undefined ? 'compiled' : 'eager';
    },
    get reason() {
      return eager?.reason;
    },
    run(feeds) {
      if (eager !== undefined) return eager.run(feeds);
      const order = Object.keys(feeds).sort();
      feedNames ??= order.join(', ');
      if (feedNames !== order.join(', ')) throw otherFeeds(feedNames, order.join(', '));
      const compiled = compiledFor(feeds, order);
      if (typeof compiled === 'string') return fallBack(compiled).run(feeds);
      give(compiled.session);
      try {
        const handles = compiled.session.run(backend.getInputTensorIds(order.map((name) => feeds[name]!)));
        return Object.fromEntries(compiled.outputs.map((name, i) => [name, backend.createOutputTensor(handles[i]!)]));
      } catch (error) {
        failure = error;
        throw new AlignflowError({ what: `the recorded step failed: ${reasonOf(error)}`, cause: error });
      }
    },
    read: (name) => eager?.read(name) ?? variableOf(take(), name).clone(),
    write(name, value) {
      if (eager !== undefined) return eager.write(name, value);
      const values = take();
      checkUpdates({ [name]: value }, values);
      values.get(name)?.dispose();
      values.set(name, copyOf(value));
    },
    dispose() {
      eager?.dispose();
      closeAll();
    },
  };
}

/** Goes through the step once to see what it does, and loads that as a graph. Nothing is computed or updated. */
function compile(
  backend: TensorflowBackend,
  step: Step,
  state: ReadonlyMap<string, tf.Tensor>,
  feeds: Tensors,
  order: readonly string[],
): Compiled {
  const names = [...state.keys()];
  const engine = tf.engine();
  engine.startScope();
  try {
    const variables = names.map((name) => ownHandle(backend, state.get(name)!));
    const fed = order.map((name) => ownHandle(backend, feeds[name]!));
    const tensors = (keys: readonly string[], handles: readonly TensorMetadata[]): Tensors =>
      Object.fromEntries(keys.map((key, i) => [key, backend.createOutputTensor(handles[i]!)]));
    const inputs = [tensors(names, variables), tensors(order, fed)] as const;

    const { recording, result } = record(backend, [...variables, ...fed], () => {
      const { outputs, updates } = step(...inputs);
      checkUpdates(updates, state);
      const idOf = (tensor: tf.Tensor) => backend.getInputTensorIds([tensor])[0]!;
      return {
        outputs: Object.entries(outputs).map(([name, tensor]) => ({ name, id: idOf(tensor) })),
        updates: Object.entries(updates).map(([name, tensor]) => ({ variable: names.indexOf(name), id: idOf(tensor) })),
      };
    });
    const outputs = result.outputs.map(({ name }) => name);
    const graph = {
      recording,
      variables,
      feeds: fed,
      outputs: result.outputs.map(({ id }) => id),
      updates: result.updates,
    };
    const nodes = graphOf(graph);
    return {
      session: openSession(backend.binding, nodes, { variables: names.length, outputs: outputs.length }),
      outputs,
    };
  } finally {
    engine.endScope();
  }
}

/**
 * A second handle on the same memory. Two tensors of tfjs may share one handle (`clone`), but a recording tells its inputs
 * apart by their handles.
 */
function ownHandle(backend: TensorflowBackend, tensor: tf.Tensor): TensorMetadata {
  return backend.binding.executeOp('Identity', [], backend.getInputTensorIds([tensor]), 1)[0]!;
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

function otherFeeds(first: string, now: string): AlignflowError {
  return new AlignflowError({ what: `the program is fed ${now}`, expected: `${first}, as in its first run` });
}

function undefinedState(cause: unknown): AlignflowError {
  return new AlignflowError({
    what: 'an earlier step failed half-way, so the variables of the program are undefined',
    fix: 'go on from the last checkpoint',
    cause,
  });
}
