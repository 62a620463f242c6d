import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { lastValueFrom, tap } from 'rxjs';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { planManifest } from '../../pipeline/plan/plan-manifest.js';
import { run } from '../../pipeline/run/run.js';
import { startBackend } from '../../stages/backend/start.js';
import { reportOf, runManifest } from './running.js';
import { drawShapes, makeFolder, writeShapes } from './shapes.js';

const processor = vi.hoisted(() => ({ bfloat16: true }));
vi.mock('../../stages/backend/products.js', async (original) => ({
  ...(await original<typeof import('../../stages/backend/products.js')>()),
  bfloat16IsFaster: async () => processor.bfloat16,
}));

/** WebAssembly has one mode and one precision. */
const { kind } = await startBackend({ warn: () => {} });

let folder: string;
beforeEach(async () => {
  folder = await makeFolder();
  await writeShapes(folder, 'train', await drawShapes(2, 1));
  await writeShapes(folder, 'test', await drawShapes(1, 2));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

const short = [
  ...['stages.contrast.with.steps=8', 'stages.contrast.with.warmup=2'],
  ...['stages.generate.with.steps=2', 'stages.generate.with.warmup=1'],
  'stages.score.require={}',
];

/** Runs until the contrastive stage has done four steps, and saved them. */
async function interrupted(): Promise<void> {
  const stop = new AbortController();
  const { plan } = await planManifest(join(folder, 'shapes.yaml'), {
    set: [`output=${join(folder, 'runs')}`, ...short],
  });
  const events = run(plan!, { backend: 'test', stop: stop.signal }).pipe(
    tap((event) => {
      if (event.kind === 'stage-event' && event.event.kind === 'step' && event.event.step === 3)
        stop.abort(new Error('asked to'));
    }),
  );
  await expect(lastValueFrom(events)).rejects.toThrow('asked to');
}

/** Losses and notes of the contrastive stage. */
function contrast(output?: string) {
  const { curve = [], notes = [] } = reportOf(folder, output).stages.find(({ name }) => name === 'contrast')!;
  return { losses: curve.map(({ metrics }) => metrics.loss), said: notes.join('; ') };
}

it.skipIf(kind === 'wasm')('a run goes on in the mode and the precision of its checkpoint', async () => {
  vi.stubEnv('ALIGNFLOW_COMPILE', '0');
  processor.bfloat16 = false;
  await runManifest(folder, `output=${join(folder, 'whole')}`, ...short);
  await interrupted();
  vi.unstubAllEnvs();
  processor.bfloat16 = true;
  await runManifest(folder, ...short);
  const { losses, said } = contrast();
  expect(said).toMatch(/eager steps: as before the checkpoint, products in float32, gone on from step 4/);
  expect(losses).toHaveLength(8);
  expect(losses).toEqual(contrast('whole').losses);
});

it.skipIf(kind === 'wasm')('a run does not go on where it cannot compute as its checkpoint was', async () => {
  await interrupted();
  vi.stubEnv('ALIGNFLOW_COMPILE', '0');
  await expect(runManifest(folder, ...short)).rejects.toThrow(
    /step-00000004, stage contrast: the steps up to the checkpoint were computed by .*, compiled, in .*, and here they would be by .*, eager, in .*\n.*\n.*ALIGNFLOW_COMPILE.*or delete the checkpoint/,
  );
});
