import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { withPeaks } from '../../pipeline/plan/peaks.js';
import { planManifest } from '../../pipeline/plan/plan-manifest.js';
import { usesGpu } from '../../stages/backend/gpu.js';
import { startBackend } from '../../stages/backend/start.js';
import { reportOf, runManifest } from './running.js';
import { drawShapes, makeFolder, writeShapes } from './shapes.js';

// What a GPU needs is not foretold.
await startBackend({ warn: () => {} });

/** The number of `about 828 MB`, in megabytes. */
function megabytes(text: string): number {
  const [, number, unit] = /about ([\d.]+) ([MG])B/.exec(text)!;
  return Number(number) * (unit === 'G' ? 1000 : 1);
}

/** A folder with the manifest and its data, until the test has ended. */
async function makeShapes(): Promise<string> {
  const folder = await makeFolder();
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeShapes(folder, 'train', await drawShapes(4, 1));
  await writeShapes(folder, 'test', await drawShapes(1, 2));
  return folder;
}

it.skipIf(usesGpu())(
  'plan --memory says what training then says, for whole batches, chunks and checkpointed layers',
  async () => {
    const folder = await makeShapes();
    const one = ['contrast', 'generate'].flatMap((stage) => [
      `stages.${stage}.with.steps=1`,
      `stages.${stage}.with.warmup=0`,
    ]);
    one.push('stages.score.require={}');
    const variants = [
      [],
      ['stages.contrast.with.chunk=6', 'stages.contrast.with.dropPath=0.1', 'stages.generate.with.ema=0.5'],
      ['stages.generate.with.chunk=5', 'stages.generate.with.ema=0.5'],
      ['stages.contrast.with.activationCheckpointing=true', 'stages.generate.with.activationCheckpointing=true'],
    ];
    for (const variant of variants) {
      const set = [...one, ...variant];
      const { plan } = await planManifest(join(folder, 'shapes.yaml'), { set });
      const planned = (await withPeaks(plan!)).plan.stages.map(({ name, facts }) => ({
        name,
        facts: Object.fromEntries(facts.facts ?? []),
      }));
      await runManifest(folder, ...set);
      for (const name of ['contrast', 'generate']) {
        const said = planned.find((stage) => stage.name === name)!.facts.peak!;
        const notes = reportOf(folder)
          .stages.find((stage) => stage.name === name)!
          .notes!.join(' ');
        expect(megabytes(said) / megabytes(notes), `${name} ${variant}: ${said}, ${notes}`).toBeCloseTo(1, 2);
      }
    }
  },
);

it.skipIf(usesGpu())(
  'plan --memory calls it an error that a stage does not fit, and says of each what it needs',
  async () => {
    const folder = await makeShapes();
    const huge = '{ width: 20480, depth: 64, heads: 2, mlp: 81920 }';
    const set = [`stages.contrast.with.text=${huge}`, 'memory=10TB'];
    const { plan, problems } = await planManifest(join(folder, 'shapes.yaml'), { set });
    expect(problems).toEqual([]);
    const { plan: explained, faults } = await withPeaks(plan!);
    const peaks = explained.stages.flatMap(({ name, facts }) =>
      (facts.facts ?? []).filter(([label]) => label === 'peak').map(([, said]) => `${name}: ${said}`),
    );
    expect(peaks).toEqual([
      expect.stringMatching(/^contrast: too much: to train a model of \d+/),
      expect.stringMatching(/^generate: too much: to train a model of \d+/),
    ]);
    expect(faults.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^stage contrast: to train[\s\S]*\n {2}to do: take a smaller model/),
      expect.stringMatching(/^stage generate: to train/),
    ]);
  },
);
