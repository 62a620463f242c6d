import { rm } from 'node:fs/promises';
import { expect, it, onTestFinished } from 'vitest';
import { reportOf, runManifest } from './running.js';
import { drawShapes, makeFolder, writeShapes } from './shapes.js';

it('trains in chunks to the losses of whole batches, masked patches and dropped paths included', async () => {
  const folder = await makeFolder();
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeShapes(folder, 'train', await drawShapes(4, 1));
  await writeShapes(folder, 'test', await drawShapes(1, 2));
  const short = [
    'stages.contrast.with.steps=8',
    'stages.contrast.with.dropPath=0.1',
    'stages.contrast.with.precision=fp32',
    'stages.generate.with.steps=1',
    'stages.score.require={}',
  ];
  const losses = async (...set: string[]) => {
    await runManifest(folder, ...short, ...set);
    const { curve = [], notes } = reportOf(folder).stages.find(({ name }) => name === 'contrast')!;
    return { values: curve.map(({ metrics }) => metrics.loss!), notes };
  };
  const whole = await losses();
  const chunked = await losses('stages.contrast.with.chunk=6');
  expect(chunked.values).toHaveLength(8);
  chunked.values.forEach((loss, i) => {
    expect(Math.abs(loss / whole.values[i]! - 1), `step ${i + 1}`).toBeLessThan(1e-4);
  });
  // What they need in memory differs.
  const mode = (notes: readonly string[] | undefined) => notes?.map((note) => note.replace(/, about .* of memory/, ''));
  expect(mode(chunked.notes)).toEqual(mode(whole.notes));
});
