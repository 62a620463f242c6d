import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert, constantFrom, oneof, property, tuple } from 'fast-check';
import { expect, it } from 'vitest';
import type { Problem } from '../../../pipeline/manifest/problem.js';
import { readManifest } from '../../../pipeline/manifest/read-manifest.js';
import { problemsToJson, renderProblems } from '../../../pipeline/manifest/render.js';
import { makeFolder } from '../folder.js';
import { editsOf, fuzzRuns, mutate, piece } from './mutations.js';

const base = `name: emoji
seed: 7
memory: 2GB
variables: { size: 32, list: &a [1, 2] }
stages:
  pairs:
    use: filtering
    source: { use: source/parquet, with: { path: "data/\${size}.parquet" } }
    steps:
      - use: filter/score
        with: { min: 0.28, list: "\${list}" }
  train:
    use: contrastive
    from: { pairs: 1, other: 0.5 }
    require: { r1: '>= 0.4' }
    train: [a, b]
`;

it('never fails on a mutated manifest, and gives every problem a place in the text', { timeout: 1_200_000 }, () => {
  const folder = makeFolder({});
  const file = join(folder, 'm.yaml');
  const check = (text: string, set: readonly string[]) => {
    writeFileSync(file, text);
    const problems: Problem[] = [];
    const manifest = readManifest(file, (problem) => problems.push(problem), { set, workingFolder: folder });
    expect(manifest !== undefined || problems.length > 0).toBe(true);
    // As written: half of a surrogate pair becomes U+FFFD.
    const lines = Buffer.from(text).toString().split('\n');
    for (const { at, message } of problems) {
      expect(message).not.toBe('');
      expect([file, '--set']).toContain(at.file);
      expect(at.line).toBeGreaterThanOrEqual(1);
      expect(at.column).toBeGreaterThanOrEqual(1);
      expect(at.length).toBeGreaterThanOrEqual(1);
      if (at.file === file && at.text !== '') expect(lines[at.line - 1]).toContain(at.text);
    }
    // Whatever the manifest holds, what goes to the terminal has no control characters of it.
    expect(renderProblems(problems, { color: false, workingFolder: folder })).not.toMatch(/[^\n\t\P{Cc}]/u);
    expect(JSON.parse(problemsToJson(problems))).toHaveLength(problems.length);
  };
  const set = tuple(constantFrom('seed', 'stages.pairs.with.x', 'stages.pairs.steps.0', 'name.x', ''), piece).map(
    ([path, value]) => `${path}=${value}`,
  );
  assert(
    property(editsOf(base), oneof(constantFrom([] as string[]), tuple(set)), (mutation, overrides) =>
      check(mutate(base, mutation), overrides),
    ),
    fuzzRuns(500),
  );
});
