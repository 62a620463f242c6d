import { rm } from 'node:fs/promises';
import { expect, it, onTestFinished } from 'vitest';
import { reportOf, runManifest } from './running.js';
import { drawShapes, makeFolder, writeShapes } from './shapes.js';

it('trains in chunks to the losses of whole batches, in both stages, masked patches and dropped paths included', async () => {
  const folder = await makeFolder();
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeShapes(folder, 'train', await drawShapes(4, 1));
  await writeShapes(folder, 'test', await drawShapes(1, 2));
  const short = [
    'stages.contrast.with.steps=8',
    'stages.contrast.with.warmup=7',
    'stages.contrast.with.dropPath=0.1',
    'stages.contrast.with.precision=fp32',
    'stages.generate.with.steps=4',
    'stages.generate.with.warmup=3',
    'stages.generate.with.precision=fp32',
    'stages.score.require={}',
  ];
  const trained = async (...set: string[]) => {
    await runManifest(folder, ...short, ...set);
    return ['contrast', 'generate'].map((stage) => {
      const { curve = [], notes } = reportOf(folder).stages.find(({ name }) => name === stage)!;
      return { values: curve.map(({ metrics: { loss, itm, itg } }) => [loss, itm ?? 1, itg ?? 1] as number[]), notes };
    });
  };
  const whole = await trained();
  const chunked = await trained('stages.contrast.with.chunk=6', 'stages.generate.with.chunk=5');
  expect(chunked.map(({ values }) => values.length)).toEqual([8, 4]);
  for (const [stage, { values }] of chunked.entries()) {
    for (const [step, metrics] of values.entries()) {
      const far = metrics.map((value, i) => Math.abs(value / whole[stage]!.values[step]![i]! - 1));
      expect(Math.max(...far), `stage ${stage + 1}, step ${step + 1}`).toBeLessThan(1e-4);
    }
  }
  // What they need in memory differs.
  const modes = (stages: typeof whole) =>
    stages.map(({ notes }) => notes?.map((note) => note.replace(/, about .* of memory/, '')));
  expect(modes(chunked)).toEqual(modes(whole));
});
