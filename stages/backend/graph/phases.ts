import * as tf from '@tensorflow/tfjs-core';
import { type TensorflowBackend, tensorflowBackend } from '../addon.js';
import {
  type Accept,
  eagerPhases,
  type FirstValues,
  type PhasedProgram,
  type Step,
  type StepMemory,
  type Tensors,
  variableOf,
} from '../program.js';
import { runStep, whyNotRecorded } from './compiled.js';
import { graphOf } from './definition.js';
import { useNativeGather } from './gather.js';
import { stepMemory } from './peak.js';
import { type NamedStep, recordStep } from './record-step.js';
import { UnrecordableError } from './recorder.js';
import { type GraphSession, openSession } from './session.js';
import { createState } from './state.js';

/** A step of several over the same variables, and feeds of the shapes that it will be fed. */
export interface Phase {
  readonly step: Step;
  readonly example: Tensors;
}

/**
 * Records all phases into one graph, so that no state moves between them. Only what a phase fetches runs when it does: what it needs
 * in between is freed when it ends. Where nothing can be recorded, they run op by op, and `reason` says why. Variables and examples
 * stay the caller's.
 * @param against why nothing is to be recorded; undefined where it may be
 */
export function phasedProgram(
  phases: Readonly<Record<string, Phase>>,
  variables: FirstValues,
  accept: Accept = () => {},
  against = whyNotRecorded(),
): PhasedProgram {
  if (against !== undefined) return eagerPhases(stepsOf(phases), variables, against);
  const backend = tensorflowBackend()!;
  useNativeGather();
  const state = createState(backend, variables);
  let graph: Graph;
  try {
    graph = compile(backend, phases, state.take(), accept);
  } catch (error) {
    // First values may be there for one reader only, which was the state.
    const values = Object.fromEntries(state.take());
    try {
      if (error instanceof UnrecordableError) return eagerPhases(stepsOf(phases), values, error.message);
      throw error;
    } finally {
      state.dispose();
    }
  }
  return {
    names: state.names,
    mode: 'compiled',
    reason: undefined,
    memory: graph.memory,
    run(phase, feeds) {
      state.give(graph.session);
      try {
        return runStep(backend, graph.session, variableOf(graph.steps, phase), feeds);
      } catch (error) {
        state.spoil(error);
        throw error;
      }
    },
    read: state.read,
    write: state.write,
    dispose() {
      graph.session.close();
      state.dispose();
    },
  };
}

interface Graph {
  readonly session: GraphSession;
  readonly steps: ReadonlyMap<string, NamedStep>;
  readonly memory: StepMemory;
}

function compile(
  backend: TensorflowBackend,
  phases: Readonly<Record<string, Phase>>,
  state: ReadonlyMap<string, tf.Tensor>,
  accept: Accept,
): Graph {
  const engine = tf.engine();
  engine.startScope();
  try {
    const steps = new Map(
      Object.entries(phases).map(([name, { step, example }]) => [
        name,
        recordStep(backend, { name, step }, state, example),
      ]),
    );
    const [first, ...others] = [...steps.values()].map(({ recorded }) => recorded);
    if (first === undefined) throw new Error('a program has at least one phase');
    const memory = stepMemory([first, ...others]);
    accept(memory);
    return { session: openSession(backend.binding, graphOf([first, ...others]), state.size), steps, memory };
  } finally {
    engine.endScope();
  }
}

function stepsOf(phases: Readonly<Record<string, Phase>>): Record<string, Step> {
  return Object.fromEntries(Object.entries(phases).map(([name, { step }]) => [name, step]));
}
