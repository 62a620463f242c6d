import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { AlignflowError } from '../../pipeline/errors.js';
import { writeFailure, writeWhole } from '../../pipeline/run/atomic-file.js';
import { hashFile } from '../../pipeline/run/hash-file.js';
import type { Program } from '../backend/program.js';
import { type NewTensor, openSafetensors, type SafetensorsFile, writeSafetensors } from '../models/safetensors.js';
import type { Computation } from './computation.js';
import { isTrainingState } from './step.js';
import type { TrainingPosition } from './trainer.js';

/** What a checkpoint knows beside its tensors. */
export interface CheckpointState extends TrainingPosition {
  /** How its steps were computed. Checkpoints of earlier versions do not tell it. */
  readonly computation?: Computation | undefined;
  /** Where the data and the random choices were, whatever the stage needs to go on from there: a value that JSON can hold. */
  readonly data: unknown;
}

/** The parameters, with their published names: what a later stage starts from and what other tools read. */
export const parametersFile = 'model.safetensors';
const stateTensorsFile = 'optimizer.safetensors';
/** Written last: a folder without it is no checkpoint. */
const stateFile = 'state.json';

/** The file `state.json`, without the hash of itself. */
interface StoredState extends CheckpointState {
  /** The SHA-256 of each file beside it. */
  readonly files: Readonly<Record<string, string>>;
}

const folderName = (step: number) => `step-${String(step).padStart(8, '0')}`;
const finished = /^step-\d{8,}$/;

/**
 * Writes the program's variables and `state` as the folder `step-...` in `folder`, whole or not at all: it is made under
 * another name, flushed to the disk, and renamed. Then removes what interrupted writes left behind and all checkpoints but
 * this one and the `keep - 1` before it: one of a later step was not whole, or the run would have gone on from there. Returns
 * the new folder. Throws an `AlignflowError` when the disk is full or not writable, or a value is not finite; the checkpoints
 * before it stay.
 */
export async function saveCheckpoint(folder: string, program: Program, state: CheckpointState, keep: number) {
  const target = join(folder, folderName(state.step));
  const unfinished = `${target}.tmp`;
  try {
    await rm(unfinished, { recursive: true, force: true });
    await mkdir(unfinished, { recursive: true });
    await writeVariables(join(unfinished, parametersFile), program, (name) => !isTrainingState(name), { format: 'pt' });
    await writeVariables(join(unfinished, stateTensorsFile), program, isTrainingState, {});
    const files: Record<string, string> = {};
    for (const name of [parametersFile, stateTensorsFile]) {
      files[name] = (await hashFile(join(unfinished, name))).sha256;
    }
    const stored: StoredState = { ...state, files };
    const text = JSON.stringify({ sha256: hashOf(stored), ...stored }, undefined, 1);
    await writeWhole(join(unfinished, stateFile), `${text}\n`);
    await flushFolder(unfinished);
    await rm(target, { recursive: true, force: true });
    await rename(unfinished, target);
    await flushFolder(folder);
  } catch (error) {
    // The first error is the one to report, whatever stands against tidying up.
    await rm(unfinished, { recursive: true, force: true }).catch(() => undefined);
    throw writeFailure(target, error);
  }
  await removeOld(folder, target, Math.max(1, keep));
  return target;
}

/** A whole checkpoint. */
export interface Checkpoint {
  readonly path: string;
  readonly state: CheckpointState;
}

/** The newest whole checkpoint in a folder; undefined where there is none. `damaged` gets those that are newer and not whole. */
export async function latestCheckpoint(
  folder: string,
  damaged: (path: string) => void = () => undefined,
): Promise<Checkpoint | undefined> {
  for (const path of (await checkpoints(folder)).reverse()) {
    const state = await readState(path);
    if (state !== undefined) return { path, state };
    damaged(path);
  }
  return undefined;
}

/**
 * Sets the program's variables to those of a checkpoint and returns its state. Throws an `AlignflowError` that names the first
 * tensors that differ when the checkpoint belongs to another model or to another choice of trained parameters.
 */
export async function loadCheckpoint(path: string, program: Program): Promise<CheckpointState> {
  const stored = await readState(path);
  if (stored === undefined) {
    throw new AlignflowError({
      what: 'this is no whole checkpoint',
      where: { file: path },
      expected: `${stateFile} and the files that it names`,
      fix: 'take another checkpoint, or start anew',
    });
  }
  const files = [
    { file: join(path, parametersFile), names: program.names.filter((name) => !isTrainingState(name)) },
    { file: join(path, stateTensorsFile), names: program.names.filter(isTrainingState) },
  ];
  for (const { file, names } of files) await checkVariables(file, program, names);
  for (const { file, names } of files) await readVariables(file, program, names);
  return stored;
}

/**
 * The parameters of a checkpoint as tensors that belong to the caller: what a later stage starts from. `shapes` are those of
 * the model; names in the file beyond them are left out, and a missing or different one is an error, as is a value that is not
 * finite.
 */
export async function readParameters(
  path: string,
  shapes: Readonly<Record<string, readonly number[]>>,
): Promise<Record<string, tf.Tensor>> {
  const file = await openSafetensors(join(path, parametersFile));
  try {
    const present = Object.fromEntries([...file.tensors].filter(([name]) => Object.hasOwn(shapes, name)));
    checkShapes(join(path, parametersFile), shapes, present);
    const parameters: Record<string, tf.Tensor> = {};
    for (const name of Object.keys(shapes)) parameters[name] = await readTensor(join(path, parametersFile), file, name);
    return parameters;
  } finally {
    await file.close();
  }
}

async function writeVariables(
  path: string,
  program: Program,
  wanted: (name: string) => boolean,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const tensors = program.names.filter(wanted).map((name): NewTensor => {
    const tensor = program.read(name);
    const { shape, dtype } = tensor;
    tensor.dispose();
    return { name, dtype: dtype === 'int32' ? 'I32' : 'F32', shape, values: () => valuesOf(program, name) };
  });
  await writeSafetensors(path, tensors, metadata);
}

/** The values of a variable. What is not finite is never saved: a run that went on from it could not end well. */
function valuesOf(program: Program, name: string): Float32Array | Int32Array {
  const tensor = program.read(name);
  const values = tensor.dataSync<'float32' | 'int32'>();
  tensor.dispose();
  checkFinite(name, values, 'lower the learning rate, and start again: the last checkpoint is whole');
  return values;
}

function checkFinite(name: string, values: Float32Array | Int32Array, fix: string, file?: string): void {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  throw new AlignflowError({
    what: `${name} holds ${values[bad]} at element ${bad}`,
    ...(file === undefined ? {} : { where: { file } }),
    expected: 'finite parameters and optimiser state',
    fix,
  });
}

async function checkVariables(path: string, program: Program, names: readonly string[]): Promise<void> {
  const file = await openSafetensors(path);
  await file.close();
  const shapes = names.map((name) => {
    const tensor = program.read(name);
    tensor.dispose();
    return [name, tensor.shape] as const;
  });
  checkShapes(path, Object.fromEntries(shapes), Object.fromEntries(file.tensors));
}

async function readVariables(path: string, program: Program, names: readonly string[]): Promise<void> {
  const file = await openSafetensors(path);
  try {
    for (const name of names) {
      const value = await readTensor(path, file, name);
      program.write(name, value);
      value.dispose();
    }
  } finally {
    await file.close();
  }
}

async function readTensor(path: string, file: SafetensorsFile, name: string): Promise<tf.Tensor> {
  const values = await file.read(name);
  checkFinite(
    name,
    values,
    'put back the file that was written, or remove the folder of the stage that made it and run that again',
    path,
  );
  return tf.tensor(values, [...file.tensors.get(name)!.shape], values instanceof Int32Array ? 'int32' : 'float32');
}

/** Throws unless the file has exactly these tensors. */
function checkShapes(
  path: string,
  expected: Readonly<Record<string, readonly number[]>>,
  found: Readonly<Record<string, { readonly shape: readonly number[] }>>,
): void {
  const differences: string[] = [];
  for (const [name, shape] of Object.entries(expected)) {
    const there = found[name]?.shape;
    if (there === undefined) differences.push(`${name} is missing`);
    else if (!tf.util.arraysEqual([...there], [...shape])) {
      differences.push(`${name} is [${there.join(', ')}] there and [${shape.join(', ')}] here`);
    }
  }
  for (const name of Object.keys(found)) {
    if (!Object.hasOwn(expected, name)) differences.push(`${name} is there and not here`);
  }
  if (differences.length > 0) {
    throw new AlignflowError({
      what: `the checkpoint is of another model: ${differences.length} tensors differ`,
      where: { file: path },
      expected: differences.slice(0, 3).join('; '),
      fix: 'use the model size and the trained parameters that it was made with, or another output folder',
    });
  }
}

function hashOf(stored: StoredState): string {
  return createHash('sha256').update(JSON.stringify(stored)).digest('hex');
}

/** The state of a checkpoint; undefined where it, or a file that it names, is missing or was changed. */
async function readState(path: string): Promise<CheckpointState | undefined> {
  try {
    const { sha256, ...stored } = JSON.parse(await readFile(join(path, stateFile), 'utf8')) as StoredState & {
      readonly sha256: string;
    };
    if (hashOf(stored) !== sha256) return undefined;
    for (const [name, hash] of Object.entries(stored.files)) {
      if ((await hashFile(join(path, basename(name)))).sha256 !== hash) return undefined;
    }
    const { step, updates, failed = 0, computation, data } = stored;
    return { step, updates, failed, computation, data };
  } catch {
    return undefined;
  }
}

/** Folders of checkpoints, oldest first. */
async function checkpoints(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((): string[] => []);
  return names
    .filter((name) => finished.test(name))
    .sort()
    .map((name) => join(folder, name));
}

async function removeOld(folder: string, newest: string, keep: number): Promise<void> {
  const left = (await readdir(folder)).filter((name) => name.startsWith('step-') && name.endsWith('.tmp'));
  const all = await checkpoints(folder);
  const kept = all.slice(0, all.indexOf(newest) + 1).slice(-keep);
  const old = all.filter((path) => !kept.includes(path));
  for (const path of [...left.map((name) => join(folder, name)), ...old]) {
    // Without its state it is no checkpoint any more, should the removal be interrupted.
    await rm(join(path, stateFile), { force: true });
    await rm(path, { recursive: true, force: true });
  }
}

/** Makes the names in a folder last. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
