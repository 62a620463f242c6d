import * as tf from '@tensorflow/tfjs-core';
import { AlignflowError, reasonOf } from '../../../pipeline/errors.js';
import { type TensorflowBackend, tensorflowBackend } from '../addon.js';
import {
  type Accept,
  eagerProgram,
  type FirstValues,
  type Program,
  type Step,
  type StepMemory,
  type Tensors,
} from '../program.js';
import { graphOf } from './definition.js';
import { useNativeGather } from './gather.js';
import { largestOf, stepMemory } from './peak.js';
import { type NamedStep, recordStep } from './record-step.js';
import { UnrecordableError } from './recorder.js';
import { type GraphSession, openSession } from './session.js';
import { createState } from './state.js';

/** A step that meets more sets of feed shapes than this is not worth recording. */
const mostGraphs = 16;

/** The graph of one set of feed shapes. */
interface Compiled {
  readonly session: GraphSession;
  readonly step: NamedStep;
  readonly memory: StepMemory;
}

/** Why nothing is recorded in this process; undefined where the backend and the environment let it. */
export function whyNotRecorded(): string | undefined {
  if (tensorflowBackend() === undefined) return `the backend ${tf.getBackend()} knows no graphs`;
  return process.env.ALIGNFLOW_COMPILE === '0' ? 'ALIGNFLOW_COMPILE=0 asks for it' : undefined;
}

/**
 * A program that records the step the first time it meets a set of feed shapes, and replays it as a TensorFlow graph from then
 * on. Each graph has variables of its own, and one of them holds the state: when another graph's turn comes, or a variable is
 * read or written, the state moves, without a copy. A step that cannot be recorded, or a backend other than TensorFlow's,
 * or `ALIGNFLOW_COMPILE=0` in the environment, runs it op by op, and `reason` says why. Variables that are tensors stay the caller's.
 *
 * @param against why nothing is to be recorded; undefined where it may be
 *
 * A run that fails leaves the variables undefined: some may be updated already. The program then refuses to go on.
 */
export function compiledProgram(
  step: Step,
  variables: FirstValues,
  accept: Accept = () => {},
  against = whyNotRecorded(),
): Program {
  if (against !== undefined) return eagerProgram(step, variables, against);
  const backend = tensorflowBackend()!;
  useNativeGather();
  const graphs = new Map<string, Compiled>();
  const state = createState(backend, variables);
  let feedNames: string | undefined;
  let eager: Program | undefined;

  const closeAll = () => {
    for (const { session } of graphs.values()) session.close();
    graphs.clear();
    state.dispose();
  };
  const fallBack = (reason: string) => {
    eager = eagerProgram(step, Object.fromEntries(state.take()), reason);
    closeAll();
    return eager;
  };
  const compiledFor = (feeds: Tensors): Compiled | string => {
    const key = shapesOf(feeds);
    const known = graphs.get(key);
    if (known !== undefined) return known;
    if (graphs.size >= mostGraphs) return `the feeds have come in more than ${mostGraphs} sets of shapes`;
    try {
      const compiled = compile(backend, step, state.take(), feeds, accept);
      graphs.set(key, compiled);
      return compiled;
    } catch (error) {
      if (error instanceof UnrecordableError) return error.message;
      throw error;
    }
  };

  return {
    names: state.names,
    get mode() {
      return eager === undefined ? 'compiled' : 'eager';
    },
    get reason() {
      return eager?.reason;
    },
    get memory() {
      return largestOf([...graphs.values()].map(({ memory }) => memory));
    },
    run(feeds) {
      if (eager !== undefined) return eager.run(feeds);
      const now = Object.keys(feeds).sort().join(', ');
      feedNames ??= now;
      if (feedNames !== now) throw otherFeeds(feedNames, now);
      const compiled = compiledFor(feeds);
      if (typeof compiled === 'string') return fallBack(compiled).run(feeds);
      state.give(compiled.session);
      try {
        return runStep(backend, compiled.session, compiled.step, feeds);
      } catch (error) {
        state.spoil(error);
        throw error;
      }
    },
    read: (name) => eager?.read(name) ?? state.read(name),
    write(name, value) {
      if (eager !== undefined) eager.write(name, value);
      else state.write(name, value);
    },
    dispose() {
      eager?.dispose();
      closeAll();
    },
  };
}

/** Runs a step of a graph; the outputs belong to the caller. Throws when it fails: the variables are undefined then. */
export function runStep(
  backend: TensorflowBackend,
  session: GraphSession,
  { recorded, feeds: order, outputs }: NamedStep,
  feeds: Tensors,
): Record<string, tf.Tensor> {
  try {
    const ids = backend.getInputTensorIds(order.map((name) => feeds[name]!));
    const handles = session.run(recorded.name, ids, outputs.length);
    return Object.fromEntries(outputs.map((name, i) => [name, backend.createOutputTensor(handles[i]!)]));
  } catch (error) {
    throw new AlignflowError({ what: `the recorded step failed: ${reasonOf(error)}`, cause: error });
  }
}

/** Feeds by their types and shapes: what a graph is made for. */
export function shapesOf(feeds: Tensors): string {
  const order = Object.keys(feeds).sort();
  return order.map((name) => `${name} ${feeds[name]!.dtype}[${feeds[name]!.shape.join()}]`).join();
}

/** Records the step and loads it as a graph. */
function compile(
  backend: TensorflowBackend,
  step: Step,
  state: ReadonlyMap<string, tf.Tensor>,
  feeds: Tensors,
  accept: Accept,
): Compiled {
  const engine = tf.engine();
  engine.startScope();
  try {
    const named = recordStep(backend, { name: 'step', step }, state, feeds);
    const memory = stepMemory([named.recorded]);
    accept(memory);
    return { session: openSession(backend.binding, graphOf([named.recorded]), state.size), step: named, memory };
  } finally {
    engine.endScope();
  }
}

function otherFeeds(first: string, now: string): AlignflowError {
  return new AlignflowError({ what: `the program is fed ${now}`, expected: `${first}, as in its first run` });
}
