import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Arbitrary, assert, constantFrom, integer, oneof, property, string, tuple } from 'fast-check';
import { expect, it } from 'vitest';
import type { Problem } from '../../../pipeline/manifest/problem.js';
import { readManifest } from '../../../pipeline/manifest/read-manifest.js';
import { problemsToJson, renderProblems } from '../../../pipeline/manifest/render.js';
import { makeFolder } from '../folder.js';

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

/** Pieces that mean something in YAML or in a manifest, and random text. */
const piece: Arbitrary<string> = oneof(
  constantFrom(...'{}[]:,-?*&!|>\'"%@`#\n\t \0', '\r\n', '- ', ': ', '---\n', '&a ', '*a', '!!binary ', '<<: *a', '? '),
  constantFrom(
    '${',
    '}',
    `\${size}`,
    '$${',
    `\${env:HOME}`,
    '${a:-',
    'extends: m.yaml\n',
    '__proto__: 1\n',
    '.inf',
    'null',
  ),
  constantFrom(
    'stages:\n',
    'use: x\n',
    'from: pairs',
    'with: {}\n',
    'require: []\n',
    '1e999',
    '\u2028',
    '\ud83d\ude00',
  ),
  string({ maxLength: 8 }),
);

interface Edit {
  readonly at: number;
  readonly remove: number;
  readonly insert: string;
}

const edit: Arbitrary<Edit> = tuple(integer({ min: 0, max: base.length }), integer({ min: 0, max: 30 }), piece).map(
  ([at, remove, insert]) => ({ at, remove, insert }),
);

function mutate(edits: readonly Edit[]): string {
  return edits.reduce((text, { at, remove, insert }) => text.slice(0, at) + insert + text.slice(at + remove), base);
}

it('never fails on a mutated manifest, and gives every problem a place in the text', { timeout: 120_000 }, () => {
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
  const edits = oneof(tuple(edit), tuple(edit, edit), tuple(edit, edit, edit, edit));
  const set = tuple(constantFrom('seed', 'stages.pairs.with.x', 'stages.pairs.steps.0', 'name.x', ''), piece).map(
    ([path, value]) => `${path}=${value}`,
  );
  assert(
    property(edits, oneof(constantFrom([] as string[]), tuple(set)), (mutation, overrides) =>
      check(mutate(mutation), overrides),
    ),
    { numRuns: 500, seed: 20261124 },
  );
});
