import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { addCheckCommand } from '../../../pipeline/commands/check.js';
import { addDescribeCommand } from '../../../pipeline/commands/describe.js';
import { addPlanCommand } from '../../../pipeline/commands/plan.js';
import { addSchemaCommand } from '../../../pipeline/commands/schema.js';
import { makeExample, manifest } from '../plan/example.js';

interface Outcome {
  readonly out: string;
  readonly err: string;
  readonly code: number;
}

/** Runs a command line of the commands in this process. */
async function alignflow(...args: readonly string[]): Promise<Outcome> {
  const program = new Command('alignflow').exitOverride();
  addCheckCommand(program);
  addPlanCommand(program);
  addDescribeCommand(program);
  addSchemaCommand(program);
  let [out, err] = ['', ''];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += text;
    return true;
  });
  process.exitCode = 0;
  await program.parseAsync(['node', 'alignflow', ...args]);
  return { out, err, code: Number(process.exitCode) };
}

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = 0;
});

describe('check', () => {
  it('ends with 0 and a word for a right manifest', async () => {
    const file = join(makeExample(), 'manifest.yaml');
    expect(await alignflow('check', file)).toEqual({ out: `${file}: nothing wrong in 4 stages\n`, err: '', code: 0 });
    expect(await alignflow('check', file, '--json')).toEqual({ out: '[]\n', err: '', code: 0 });
  });

  it('ends with 2 and every problem for a wrong one', async () => {
    const file = join(
      makeExample(manifest.replace('use: learn', 'use: laern').replace('seed: 7', 'seed: x')),
      'manifest.yaml',
    );
    const { out, err, code } = await alignflow('check', file);
    expect({ out, code }).toEqual({ out: '', code: 2 });
    expect(err).toContain('seed is text');
    expect(err).toContain('there is no laern');
    expect(err).toContain('2 problems');
  });

  it('writes problems as JSON', async () => {
    const file = join(makeExample(), 'manifest.yaml');
    const { out, code } = await alignflow('check', file, '--json', '--set', 'sed=1', '--set', 'memory=1MB');
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject([
      { code: 'memory', file, line: 7, column: 3 },
      { code: 'memory', file, line: 15 },
      { code: 'memory', file, line: 20 },
      { code: 'unknown-key', file: '--set', line: 1, column: 1, length: 3, nearest: 'seed' },
    ]);
  });

  it('ends with 2 for a file that is not there', async () => {
    const { err, code } = await alignflow('check', 'no-such-file.yaml');
    expect(code).toBe(2);
    expect(err).toContain('there is no file');
  });
});

describe('plan', () => {
  it('prints the plan', async () => {
    const file = join(makeExample(), 'manifest.yaml');
    const { out, err, code } = await alignflow('plan', file, '--set', 'stages.train.with.model=base');
    expect({ err, code }).toMatchObject({ code: 2, err: expect.stringContaining('is of the model base, not tiny') });
    expect(out).toBe('');
    const right = await alignflow('plan', file, '--set', 'seed=8');
    expect(right.code).toBe(0);
    expect(right.out).toMatch(/^example: 4 stages, seed 8, memory 2 GB, into /);
  });
});

describe('describe', () => {
  it('lists everything, and the operators of a manifest', async () => {
    const file = join(makeExample(), 'manifest.yaml');
    const { out, code } = await alignflow('describe', '--manifest', file);
    expect(code).toBe(0);
    expect(out).toMatch(/^Stages\n/);
    expect(out).toMatch(/\nSources\n(?: {2}.*\n)* {2}source\/parquet +Reads Parquet files/);
    expect(out).toMatch(/ {2}toy\/fit +Scores how well an image and a text fit\.\n/);
  });

  it('shows one operator, one stage', async () => {
    const file = join(makeExample(), 'manifest.yaml');
    const operator = await alignflow('describe', 'toy/fit', '--manifest', file);
    await expect(operator.out).toMatchFileSnapshot('golden/describe-operator.txt');
    const stage = await alignflow('describe', 'learn', '--manifest', file);
    await expect(stage.out).toMatchFileSnapshot('golden/describe-stage.txt');
  });

  it('ends with 2 and the nearest name for an unknown one', async () => {
    expect(await alignflow('describe', 'source/parket')).toEqual({
      out: '',
      err: 'there is no operator and no stage source/parket; did you mean source/parquet?\n',
      code: 2,
    });
  });
});

describe('schema', () => {
  it('has the operators of a manifest, on standard output or in a file', async () => {
    const folder = makeExample();
    const file = join(folder, 'manifest.yaml');
    const { out, err, code } = await alignflow('schema', '--manifest', file);
    expect({ err, code }).toEqual({ err: '', code: 0 });
    expect(JSON.parse(out)).toMatchObject({ title: 'alignflow manifest' });
    expect(out).toContain('Scores how well an image and a text fit.');
    const output = join(folder, 'schema.json');
    expect(await alignflow('schema', '--manifest', file, '--output', output)).toEqual({ out: '', err: '', code: 0 });
    expect(readFileSync(output, 'utf8')).toBe(out);
    expect((await alignflow('schema')).out).not.toContain('toy/fit');
  });

  it('ends with 2 and writes nothing where an operator cannot be read', async () => {
    const folder = makeExample();
    writeFileSync(join(folder, 'operators', 'broken.ts'), 'export default defineOperator(');
    const { out, err, code } = await alignflow('schema', '--manifest', join(folder, 'manifest.yaml'));
    expect({ out, code }).toEqual({ out: '', code: 2 });
    expect(err).toContain('broken.ts');
  });
});
