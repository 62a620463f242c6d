import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reasonOf } from '../../../pipeline/errors.js';
import type { Addon, TensorMetadata } from '../addon.js';
import { nodeNames, variableChunks } from './definition.js';
import { type NodeMessage, savedModel } from './messages.js';
import { UnrecordableError } from './recorder.js';

/** A graph that TensorFlow has loaded, with variables of its own. Tensors go in and out as ids of the addon. */
export interface GraphSession {
  /** Runs a step: feeds in their order, the first `outputs` outputs in theirs. The variables are updated when it returns. */
  run(step: string, feeds: readonly number[], outputs: number): TensorMetadata[];
  /** The present values of all variables; they share the variables' memory. */
  readAll(): TensorMetadata[];
  /** Sets all variables. No memory is copied. */
  assignAll(values: readonly number[]): void;
  /** Gives back the memory of all variables; they must be assigned before the next run. */
  release(): void;
  /** Frees the graph. */
  close(): void;
}

/**
 * Loads the graph. The addon's only way in is a SavedModel in a folder: it is written, read and deleted at once.
 * Throws an `UnrecordableError` when that folder cannot be written, or with what TensorFlow says where it refuses the graph.
 */
export function openSession(addon: Addon, nodes: readonly NodeMessage[], variables: number): GraphSession {
  const id = load(addon, savedModel(nodes));
  const chunks = variableChunks(variables);
  const discard = (handles: readonly TensorMetadata[]) => {
    for (const handle of handles) addon.deleteTensor(handle.id);
  };
  return {
    run(step, feeds, outputs) {
      const fed = feeds.map((_, i) => nodeNames.feed(step, i)).join(',');
      const fetched = [...Array(outputs).keys()].map((i) => nodeNames.output(step, i));
      const handles = addon.runSavedModel(id, feeds, fed, [...fetched, nodeNames.updated(step)].join(','));
      discard(handles.slice(outputs));
      return handles.slice(0, outputs);
    },
    readAll: () =>
      chunks.flatMap((variables) => addon.runSavedModel(id, [], '', variables.map(nodeNames.value).join(','))),
    assignAll(values) {
      chunks.forEach((variables, c) => {
        const inputs = variables.map((i) => values[i]!);
        discard(addon.runSavedModel(id, inputs, variables.map(nodeNames.initial).join(','), nodeNames.assigned(c)));
      });
    },
    release: () => discard(addon.runSavedModel(id, [], '', nodeNames.released)),
    close: () => addon.deleteSavedModel(id),
  };
}

/** A graph that cannot be written or that TensorFlow does not take can still run op by op. */
function load(addon: Addon, model: Uint8Array): number {
  let folder: string | undefined;
  try {
    folder = mkdtempSync(join(tmpdir(), 'alignflow-graph-'));
    writeFileSync(join(folder, 'saved_model.pb'), model);
    return addon.loadSavedModel(folder, 'serve,');
  } catch (error) {
    throw new UnrecordableError({ what: `the recorded graph cannot be loaded: ${reasonOf(error)}`, cause: error });
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}
