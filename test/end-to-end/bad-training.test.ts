import { readFileSync } from 'node:fs';
import { readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { reportOf, runManifest } from './running.js';
import { drawShapes, makeFolder, writeShapes } from './shapes.js';

let folder: string;

beforeEach(async () => {
  folder = await makeFolder();
  await writeShapes(folder, 'train', await drawShapes(2, 1));
  await writeShapes(folder, 'test', await drawShapes(1, 2));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const short = [
  'stages.contrast.with.steps=12',
  ...['stages.generate.with.steps=3', 'stages.generate.with.warmup=2'],
  'stages.score.require={}',
];

/** What a run says, in one text. */
async function said(...set: readonly string[]): Promise<string> {
  return runManifest(folder, ...short, ...set).then(
    () => 'nothing',
    (error: Error) => error.message,
  );
}

describe('training that goes wrong', () => {
  it('ends after so many steps that are not finite, and keeps the batch', async () => {
    const rates = 'stages.contrast.with.learningRate={ vision: 1e30, text: 1e30, scale: 1 }';
    const file = join(folder, 'runs/contrast/not-finite.arrow');
    expect(await said(rates, 'stages.contrast.with.maxNonFinite=3')).toMatch(
      /^.*not-finite\.arrow, stage contrast: loss NaN, gradient norm NaN at step \d+: 3 steps in a row were not finite\n {2}expected: .*\n {2}to do: lower the learning rate .*: the last batch is in this file$/,
    );
    const batch = tableFromIPC(readFileSync(file));
    expect(batch.numRows).toBe(16);
    expect(batch.schema.fields.map(({ name }) => name)).toEqual(expect.arrayContaining(['pixels', 'tokens']));
    expect(reportOf(folder).stages.find(({ name }) => name === 'contrast')).toMatchObject({ status: 'failed' });
  });

  it('does not succeed when most of its last steps had no finite loss', async () => {
    const rates = 'stages.contrast.with.learningRate={ vision: 1e30, text: 1e30, scale: 1 }';
    const steps = ['stages.contrast.with.steps=8', 'stages.contrast.with.warmup=7'];
    expect(await said(rates, ...steps, 'stages.contrast.with.maxNonFinite=100')).toMatch(
      /^stage contrast: the training diverged: of the last 8 steps, \d had no finite loss and were skipped\n/,
    );
    expect(reportOf(folder).stages.find(({ name }) => name === 'contrast')).toMatchObject({ status: 'failed' });
  });

  it('trains at a rate that is far too high without a weight that is not finite', async () => {
    const rates = 'stages.contrast.with.learningRate={ vision: 10, text: 10, scale: 10 }';
    expect(await said(rates)).toBe('nothing');
    const { skipped_steps: skipped } = Object.fromEntries(
      reportOf(folder)
        .stages.find(({ name }) => name === 'contrast')!
        .metrics!.map(({ metric, value }) => [metric, value]),
    );
    expect(skipped).toBe(0);
  });

  it('refuses a model with a weight that is not a number, by its file and place', async () => {
    expect(await said()).toBe('nothing');
    const file = join(folder, 'runs/generate/model.safetensors');
    const bytes = await readFile(file);
    bytes.writeFloatLE(Number.NaN, bytes.length - 8);
    // As a disk loses bits: a file that is younger than the stage's mark would be found by its hash, and the stage made anew.
    const { atime, mtime } = await stat(file);
    await writeFile(file, bytes);
    await utimes(file, atime, mtime);
    expect(await said('stages.score.with.beams=1')).toMatch(/model\.safetensors.*: \S+ holds NaN at element \d+\n/);
  });

  it('says that the rows make no whole batch', async () => {
    const steps = '[{ use: order/batch, with: { rows: 512, distinct: caption } }]';
    expect(await said(`stages.contrast.steps=${steps}`)).toMatch(
      /^stage contrast: no batch comes out of the steps, though all rows went in \d+ times: .*\n.*\n.*take fewer `rows` in order\/batch than there are different values of `distinct`$/,
    );
  });

  it('refuses batches that are larger than an epoch, in both stages', async () => {
    const steps = '[{ use: order/batch, with: { rows: 40 } }]';
    const refused = /a batch has 40 rows, and an epoch 36: some stand in it more than once\n/;
    expect(await said('stages.contrast.from=tokens', `stages.contrast.steps=${steps}`)).toMatch(refused);
    expect(await said(`stages.generate.steps=${steps}`)).toMatch(refused);
  });
});
