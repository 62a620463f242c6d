import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runManifest } from './running.js';
import { drawShapes, makeFolder, writeShapes } from './shapes.js';

const command = join(import.meta.dirname, '../../stages/alignflow.js');

describe('alignflow profile', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await makeFolder();
    await writeShapes(folder, 'train', await drawShapes(4, 1));
    await writeShapes(folder, 'test', await drawShapes(1, 2));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** Runs the command in the folder; what it wrote to standard output. */
  async function profile(...parts: string[]): Promise<string> {
    return profileWith({}, ...parts);
  }

  async function profileWith(env: Readonly<Record<string, string>>, ...parts: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)('node', [command, 'profile', 'shapes.yaml', ...parts], {
      cwd: folder,
      env: { ...process.env, ...env },
    });
    return stdout;
  }

  it('says which stage has to be complete first', async () => {
    await expect(profile('--stage', 'contrast')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /the stage pairs is not complete, which contrast needs\n {2}expected: .*\n {2}to do: run the manifest/,
      ),
    });
  });

  it('asks which of several stages, and knows which train', async () => {
    await expect(profile()).rejects.toMatchObject({
      stderr: expect.stringMatching(
        /2 stages of this manifest train\n {2}expected: --stage and one of contrast, generate/,
      ),
    });
    await expect(profile('--stage', 'score')).rejects.toMatchObject({
      stderr: expect.stringMatching(/no stage score of this manifest trains/),
    });
  });

  it('measures one step at least', async () => {
    await expect(profile('--stage', 'contrast', '--steps', '0')).rejects.toMatchObject({
      stderr: expect.stringMatching(/--steps <count>' argument '0' is invalid. a number of steps, 1 or more/),
    });
  });

  it('says that there is nothing to trace with WebAssembly', async () => {
    const traced = profileWith({ ALIGNFLOW_BACKEND: 'wasm' }, '--stage', 'contrast', '--trace', 'ops.json');
    await expect(traced).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /ops\.json: there would be no op in the trace: .*\n.*\n {2}to do: .*leave --trace out/,
      ),
    });
    expect(existsSync(join(folder, 'ops.json'))).toBe(false);
  });

  it('tells where the time of both kinds of stages goes, and leaves nothing behind', async () => {
    const short = [
      ...['stages.contrast.with.steps=3', 'stages.contrast.with.warmup=2'],
      ...['stages.generate.with.steps=2', 'stages.generate.with.warmup=1'],
    ];
    await runManifest(folder, ...short, 'stages.score.require={}');
    const leftovers = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('alignflow-alone-'));
    const before = await leftovers();
    const trace = join(folder, 'trace.json');
    const set = short.flatMap((change) => ['--set', change]);
    const group = 'stages.contrast.with.groups=[{ match: [logit_scale], learningRate: 0.01, warmup: 90 }]';
    const longer = [
      '--set',
      group,
      '--set',
      'stages.contrast.with.steps=100',
      '--set',
      'stages.contrast.with.warmup=99',
    ];
    const contrast = await profile('--stage', 'contrast', '--steps', '4', '--trace', trace, ...set, ...longer);
    expect(contrast).toMatch(
      /^contrast: .* steps.*\n {2}step +[\d.]+ ms, median of 4: \d+ samples\/s in batches of 16\n/,
    );
    const generate = await profile('--stage', 'generate', '--steps', '4', ...set);
    expect(generate).toMatch(/^generate: .*median of 4/s);
    if (contrast.includes('GFLOP')) {
      for (const module of [
        'vision_model.encoder.layers.*.mlp',
        'qllama.model.layers.*.self_attn',
        'optimiser',
        'loss',
      ])
        expect(contrast).toContain(`\n  ${module} `);
      expect(generate).toContain('\n  qllama.model.layers.*.cross_attn ');
      expect(contrast).toMatch(/\n {2}MatMul +[\d.]+ +[\d.]+ % +\d+ +[\d.]+ +[\d.]+\n/);
      expect(JSON.parse(readFileSync(trace, 'utf8')).traceEvents.length).toBeGreaterThan(1000);
    }
    expect(await leftovers()).toEqual(before);
  });
});
