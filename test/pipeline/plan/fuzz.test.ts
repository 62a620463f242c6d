import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert, asyncProperty } from 'fast-check';
import { expect, it } from 'vitest';
import { planManifest } from '../../../pipeline/plan/plan-manifest.js';
import { editsOf, fuzzRuns, mutate } from '../manifest/mutations.js';
import { makeExample } from './example.js';

const base = `name: fuzzed
seed: 7
memory: 2GB
operators: [./operators]
stages:
  pairs:
    use: keep
    source: { use: toy/pairs, with: { rows: 100 } }
    steps:
      - { use: toy/length, with: { min: 1, share: 90% }, rejected: short }
      - use: toy/fit
        with: { model: clip, table: 128MB }
    branches:
      short: { steps: [{ use: toy/length, with: { by: characters } }], sink: { use: sink/toy } }
      all: {}
    sink: { use: sink/toy }
  both: { use: keep, from: [pairs, pairs.all], mix: { by: rounds, until: first }, sink: { use: sink/toy } }
  train:
    use: learn
    from: { pairs: 3, both: 1 }
    with: { steps: 5, time: 5m }
    require: { loss: '< 2.5' }
  score: { use: judge, from: pairs, checkpoint: train, require: { recall_1: '>= 0.3' } }
`;

it('plans any mutated manifest, or says what is wrong with it and where', { timeout: 1_200_000 }, async () => {
  const folder = makeExample(base);
  const file = join(folder, 'manifest.yaml');
  expect((await planManifest(file, { workingFolder: folder })).problems).toEqual([]);
  let refused = 0;
  const check = async (text: string) => {
    writeFileSync(file, text);
    const { plan, problems } = await planManifest(file, { workingFolder: folder });
    expect(plan === undefined).toBe(problems.length > 0);
    if (plan === undefined) refused++;
    for (const { at, message } of problems) {
      expect(message).not.toBe('');
      expect(at.file).not.toBe('');
      expect(Math.min(at.line, at.column, at.length)).toBeGreaterThanOrEqual(1);
    }
  };
  await assert(
    asyncProperty(editsOf(base), (edits) => check(mutate(base, edits))),
    fuzzRuns(150),
  );
  expect(refused).toBeGreaterThan(0);
});
