import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compiledProgram } from '../../../stages/backend/graph/compiled.js';
import { eagerProgram, type Program, type Step, type Tensors } from '../../../stages/backend/program.js';
import { startBackend } from '../../../stages/backend/start.js';
import { openSafetensors } from '../../../stages/models/safetensors.js';
import {
  latestCheckpoint,
  loadCheckpoint,
  readParameters,
  saveCheckpoint,
} from '../../../stages/training/checkpoint.js';
import { noise } from './noise.js';

await startBackend({ warn: () => {} });

/** A step that changes every variable. */
const step: Step = (variables) => {
  const updates = Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [name, tf.add(tf.mul(value, 1.25), 0.1)]),
  );
  return { outputs: { one: tf.scalar(1) }, updates };
};

const shapes = { 'tower.weight': [3, 2], 'tower.bias': [2], logit_scale: [] };

function newProgram(
  seed: number,
  sizes: Readonly<Record<string, readonly number[]>> = shapes,
  make: (step: Step, variables: Tensors) => Program = compiledProgram,
): Program {
  const variables: Record<string, tf.Tensor> = {};
  for (const [name, shape] of Object.entries(sizes)) {
    variables[name] = noise(shape, seed);
    if (name !== 'logit_scale') {
      variables[`exp_avg.${name}`] = noise(shape, seed + 1);
      variables[`exp_avg_sq.${name}`] = noise(shape, seed + 2);
    }
  }
  const program = make(step, variables);
  tf.dispose(variables);
  return program;
}

function values(program: Program): Record<string, number[]> {
  return Object.fromEntries(
    program.names.map((name) => {
      const tensor = program.read(name);
      const numbers = [...tensor.dataSync()];
      tensor.dispose();
      return [name, numbers];
    }),
  );
}

const advance = (program: Program) => tf.dispose(program.run({}));
const computation = { backend: 'tensorflow', mode: 'compiled', precision: 'bf16', ownKernels: true } as const;
const at = (number: number) => ({
  step: number,
  updates: number - 1,
  failed: 1,
  computation,
  data: { epoch: 2, order: [3, 1] },
});

describe('checkpoints', () => {
  let folder = '';
  let tensors = 0;
  beforeEach(async () => {
    tensors = tf.memory().numTensors;
    folder = await mkdtemp(join(tmpdir(), 'alignflow-checkpoint-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it.each([
    ['compiled', compiledProgram],
    ['eager', eagerProgram],
  ])('give back variables and state bit for bit, and training goes on as if undisturbed (%s)', async (_, make) => {
    const [saved, fresh] = [newProgram(1, shapes, make), newProgram(5, shapes, make)];
    advance(saved);
    const path = await saveCheckpoint(folder, saved, at(7), 2);
    expect(path).toBe(join(folder, 'step-00000007'));
    expect(await latestCheckpoint(folder)).toEqual({ path, state: at(7) });
    expect(await loadCheckpoint(path, fresh)).toEqual(at(7));
    expect(values(fresh)).toEqual(values(saved));
    for (const program of [saved, fresh]) advance(program);
    expect(values(fresh)).toEqual(values(saved));
    saved.dispose();
    fresh.dispose();
  });

  it('hold the parameters under their own names in a file of their own', async () => {
    const program = newProgram(1);
    const path = await saveCheckpoint(folder, program, at(1), 1);
    const file = await openSafetensors(join(path, 'model.safetensors'));
    expect([...file.tensors.keys()]).toEqual(Object.keys(shapes));
    await file.close();
    const parameters = await readParameters(path, { 'tower.bias': [2] });
    expect(Object.keys(parameters)).toEqual(['tower.bias']);
    expect([...parameters['tower.bias']!.dataSync()]).toEqual(values(program)['tower.bias']);
    tf.dispose(parameters);
    await expect(readParameters(path, { 'tower.bias': [5] })).rejects.toThrow('tower.bias is [2] there and [5] here');
    program.dispose();
  });

  it('of another model are refused, with the first tensors that differ', async () => {
    const program = newProgram(1);
    const other = newProgram(2, { 'tower.weight': [3, 4], 'tower.bias': [2], 'head.weight': [2, 2], logit_scale: [] });
    const before = values(other);
    const path = await saveCheckpoint(folder, program, at(1), 1);
    await expect(loadCheckpoint(path, other)).rejects.toThrow(
      /model\.safetensors: the checkpoint is of another model: 2 tensors differ\n.*tower\.weight is \[3, 2\] there and \[3, 4\] here; head\.weight is missing/,
    );
    expect(values(other)).toEqual(before);
    const parameters = await readParameters(path, shapes);
    const untrained = eagerProgram(step, parameters);
    tf.dispose(parameters);
    await expect(loadCheckpoint(path, untrained)).rejects.toThrow('exp_avg.tower.weight is there and not here');
    untrained.dispose();
    program.dispose();
    other.dispose();
  });

  it('are kept as far as the last n, and what an interrupted write left goes', async () => {
    const program = newProgram(1);
    await mkdir(join(folder, 'step-00000002.tmp'));
    await mkdir(join(folder, 'notes'));
    for (const number of [1, 2, 3, 10]) await saveCheckpoint(folder, program, at(number), 2);
    expect((await readdir(folder)).sort()).toEqual(['notes', 'step-00000003', 'step-00000010']);
    program.dispose();
  });

  it('that are not whole do not count', async () => {
    const program = newProgram(1);
    const whole = await saveCheckpoint(folder, program, at(1), 9);
    const cut = await saveCheckpoint(folder, program, at(2), 9);
    await truncate(join(cut, 'optimizer.safetensors'), 40);
    const unmarked = await saveCheckpoint(folder, program, at(3), 9);
    await rm(join(unmarked, 'state.json'));
    const torn = await saveCheckpoint(folder, program, at(4), 9);
    await writeFile(join(torn, 'state.json'), '{"step": 4, ');
    await cp(whole, join(folder, 'step-00000099.tmp'), { recursive: true });
    expect((await latestCheckpoint(folder))?.path).toBe(whole);
    await expect(loadCheckpoint(cut, program)).rejects.toThrow('this is no whole checkpoint');
    expect(await latestCheckpoint(join(folder, 'none'))).toBeUndefined();
    program.dispose();
  });

  it('that were changed do not count, in any file', async () => {
    const program = newProgram(1);
    const whole = await saveCheckpoint(folder, program, at(1), 9);
    const files = ['model.safetensors', 'optimizer.safetensors', 'state.json'];
    for (const [i, name] of files.entries()) {
      const path = join(await saveCheckpoint(folder, program, at(i + 2), 9), name);
      const bytes = await readFile(path);
      const last = name === 'state.json' ? bytes.indexOf('"updates": ') + 11 : bytes.length - 1;
      bytes[last] = bytes[last]! ^ 1;
      await writeFile(path, bytes);
    }
    const damaged: string[] = [];
    expect((await latestCheckpoint(folder, (path) => damaged.push(basename(path))))?.path).toBe(whole);
    expect(damaged).toEqual(['step-00000004', 'step-00000003', 'step-00000002']);
    program.dispose();
  });

  it('stay when they are new, though damaged ones of later steps are there; these go', async () => {
    const program = newProgram(1);
    for (const number of [1, 2]) await saveCheckpoint(folder, program, at(number), 2);
    await mkdir(join(folder, 'step-00000099'));
    const next = await saveCheckpoint(folder, program, at(3), 2);
    expect((await readdir(folder)).sort()).toEqual(['step-00000002', 'step-00000003']);
    expect((await latestCheckpoint(folder))?.path).toBe(next);
    program.dispose();
  });

  it('of an earlier version are read, and tell nothing of how they were computed', async () => {
    const program = newProgram(1);
    const { step, updates, data } = at(3);
    const path = await saveCheckpoint(folder, program, at(3), 1);
    const { files } = JSON.parse(await readFile(join(path, 'state.json'), 'utf8')) as { files: object };
    const old = { step, updates, data, files };
    const sha256 = createHash('sha256').update(JSON.stringify(old)).digest('hex');
    await writeFile(join(path, 'state.json'), JSON.stringify({ sha256, ...old }));
    expect(await loadCheckpoint(path, program)).toEqual({ step, updates, failed: 0, computation: undefined, data });
    program.dispose();
  });

  it('never hold values that are not finite', async () => {
    const program = newProgram(1);
    const first = await saveCheckpoint(folder, program, at(1), 1);
    const bad = tf.tensor1d([1, Number.NEGATIVE_INFINITY]);
    program.write('exp_avg.tower.bias', bad);
    bad.dispose();
    await expect(saveCheckpoint(folder, program, at(2), 1)).rejects.toThrow(
      'exp_avg.tower.bias holds -Infinity at element 1',
    );
    expect(await readdir(folder)).toEqual(['step-00000001']);
    expect((await latestCheckpoint(folder))?.path).toBe(first);
    program.dispose();
  });

  it('leave an earlier one alone when they cannot be written', async () => {
    const program = newProgram(1);
    const first = await saveCheckpoint(folder, program, at(1), 1);
    await writeFile(join(folder, 'file'), '');
    await expect(saveCheckpoint(join(folder, 'file', 'x'), program, at(2), 1)).rejects.toThrow('cannot be written');
    expect((await latestCheckpoint(folder))?.path).toBe(first);
    program.dispose();
  });
});
