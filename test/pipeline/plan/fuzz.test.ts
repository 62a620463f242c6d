import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { array, assert, asyncProperty, constantFrom, integer, tuple } from 'fast-check';
import { expect, it } from 'vitest';
import { planManifest } from '../../../pipeline/plan/plan-manifest.js';
import { makeExample, manifest } from './example.js';

/** The words of the manifest: swapping them gives manifests with the right syntax and the wrong meaning. */
const words = manifest.match(/[\w./*'>=<%-]+|[{}[\],:]/g)!;
const word = constantFrom(
  ...new Set(words),
  'sink/parquet',
  'source/parquet',
  'filtering',
  '-1',
  '1e9',
  '~',
  '.nan',
  '""',
);

it('plans a manifest with any of its words changed, or says what is wrong and where', {
  timeout: 120_000,
}, async () => {
  const folder = makeExample();
  const file = join(folder, 'manifest.yaml');
  const edits = array(tuple(integer({ min: 0, max: words.length - 1 }), word), { minLength: 1, maxLength: 3 });
  await assert(
    asyncProperty(edits, async (changes) => {
      let place = 0;
      const text = manifest.replace(/[\w./*'>=<%-]+|[{}[\],:]/g, (found) => {
        const change = changes.find(([at]) => at === place);
        place++;
        return change === undefined ? found : change[1];
      });
      writeFileSync(file, text);
      const { plan, problems } = await planManifest(file, { workingFolder: folder });
      expect(plan === undefined).toBe(problems.length > 0);
      for (const { at } of problems) {
        expect(at.file.startsWith(folder)).toBe(true);
        expect(at.line).toBeGreaterThanOrEqual(1);
      }
    }),
    { numRuns: 60, seed: 20261124 },
  );
});
