import { expect, it } from 'vitest';
import type { Problem } from '../../../pipeline/manifest/problem.js';
import { type ManifestValue, yamlOf } from '../../../pipeline/manifest/yaml-of.js';

/** The YAML of a value, and the problems with it. */
function written(given: unknown) {
  const problems: Problem[] = [];
  const text = yamlOf(given as ManifestValue, 'm', (problem) => problems.push(problem));
  return { text, problems: problems.map(({ code, message, at }) => `${at.file} ${code}: ${message}`) };
}

it('writes a manifest that is a value', () => {
  const given = {
    name: 'n',
    seed: 3,
    stages: { a: { use: 'keep', from: ['b', 'c'], with: { x: null, y: undefined } } },
  };
  const text =
    'name: n\nseed: 3\nstages:\n  a:\n    use: keep\n    from:\n      - b\n      - c\n    with:\n      x: null\n';
  expect(written(given)).toEqual({ text, problems: [] });
});

it('names all that no YAML can say, by its path', () => {
  const itself: Record<string, unknown> = {};
  itself.again = itself;
  const options = { f: [1, () => 1], s: Symbol('s'), itself };
  expect(written({ name: 'n', seed: 3n, stages: { a: { with: options } } })).toEqual({
    text: undefined,
    problems: [
      'm type: seed is a bigint',
      'm type: stages.a.with.f.1 is a function',
      'm type: stages.a.with.s is a symbol',
      'm type: stages.a.with.itself.again contains itself',
    ],
  });
  expect(written(() => 1).problems).toEqual(['m type: the manifest is a function']);
});

it('neither follows values without end nor looks at one twice', () => {
  let deep: unknown = {};
  for (let i = 0; i < 100_000; i++) deep = { deep };
  expect(written(deep).problems).toMatchObject([expect.stringMatching(/deep is nested more than 64 deep$/)]);
  let wide: unknown = 'x';
  for (let i = 0; i < 40; i++) wide = [wide, wide];
  expect(written({ wide }).problems).toEqual([]);
});
