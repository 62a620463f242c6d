import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { JsonSchema } from '../../../pipeline/discovery/json-schema.js';
import type { ManifestValue } from '../../../pipeline/manifest/yaml-of.js';
import { planManifest } from '../../../pipeline/plan/plan-manifest.js';
import { substitute } from '../../../pipeline/plan/substitute.js';
import { changed, planText } from './example.js';

/** The problems of a manifest, a line each. */
async function problemsOf(text: string): Promise<readonly string[]> {
  const { printed } = await planText(text);
  return printed.match(/^manifest\S+ \S+ .*$/gm) ?? [];
}

describe('what is known behind a wrong option', () => {
  it('is a missing column of the same step, and of the same source', async () => {
    const step = '{ use: toy/length, with: { column: captoin, min: few } }';
    expect(await problemsOf(changed('{ use: toy/length, with: { min: 1, share: 90% } }', step))).toEqual([
      'manifest.yaml:11:44 column: toy/length reads the column captoin, which is not there',
      'manifest.yaml:11:58 type: toy/length: option min is text',
    ]);
    const text = changed('{ rows: 100 }', '{ rows: 0 }').replace('with: { min: 1,', 'with: { column: captoin,');
    expect(await problemsOf(text)).toEqual([
      'manifest.yaml:9:45 range: toy/pairs: option rows is 0',
      'manifest.yaml:11:44 column: toy/length reads the column captoin, which is not there',
    ]);
  });

  it('is no column that the option may have named', async () => {
    for (const option of ['extra: 7', 'xtra: similarity', 'what: similarity'])
      expect(
        await problemsOf(changed('{ rows: 100 }', `{ ${option} }`).replace('min: 1,', 'column: similarity,')),
      ).toHaveLength(1);
  });

  it('is the schema behind a step that leaves it as it is, whatever column it was meant to read', async () => {
    const steps =
      '{ use: toy/length, with: { colum: caption } }\n      - { use: toy/length, with: { column: captoin } }';
    expect(await problemsOf(changed('{ use: toy/length, with: { min: 1, share: 90% } }', steps))).toEqual([
      'manifest.yaml:11:36 unknown-key: toy/length has no option colum',
      'manifest.yaml:12:44 column: toy/length reads the column captoin, which is not there',
    ]);
  });

  it('is what a stage hands over in any case, and what it never does', async () => {
    const wrong = changed('{ steps: 5, time: 5m }', '{ steps: 0, time: 5m }');
    expect(await problemsOf(wrong.replace('init: train\n', 'init: train\n    with: { model: base }\n'))).toEqual([
      'manifest.yaml:18:20 range: learn: option steps is 0',
      'manifest.yaml:21:10 stage: the checkpoint of train is of the model tiny, not base',
    ]);
    expect(await problemsOf(wrong.replace('init: train\n', 'init: train\n    tokenizer: train\n'))).toEqual([
      'manifest.yaml:18:20 range: learn: option steps is 0',
      'manifest.yaml:24:16 hand-over: tokenizer of the stage more names train, which hands over no tokenizer',
    ]);
  });

  it('is nothing of what the option decides', async () => {
    const model = changed('{ steps: 5, time: 5m }', '{ model: tny }').replace(
      'init: train\n',
      'init: train\n    tokenizer: train\n    with: { model: base }\n',
    );
    expect(await problemsOf(model)).toEqual([
      'manifest.yaml:18:20 value: learn: option model is tny',
      'manifest.yaml:24:16 hand-over: tokenizer of the stage more names train, which hands over no tokenizer',
    ]);
  });

  it('is whether any rows have the column that names them', async () => {
    const text = changed('{ steps: 5, time: 5m }', '{ steps: 0 }').replace('seed: 7', 'seed: 7\nkey: captoin');
    expect(await problemsOf(text)).toEqual([
      'manifest.yaml:4:6 column: no rows have the column captoin, which is to name them',
      'manifest.yaml:19:20 range: learn: option steps is 0',
    ]);
    const hidden = text.replace('{ rows: 100 }', '{ extra: 7 }');
    expect(await problemsOf(hidden)).not.toContain('no rows have');
  });

  it('is never what is right: a wrong option of a real manifest is one mistake', { timeout: 120_000 }, async () => {
    const workingFolder = join(import.meta.dirname, '../../../manifests');
    const text = await readFile(join(workingFolder, 'emoji.yaml'), 'utf8');
    // Through JSON, so that what the manifest repeats by an alias is there twice.
    const fresh = () => JSON.parse(JSON.stringify(parse(text))) as ManifestValue;
    const places = optionsIn(fresh());
    expect(places.length).toBeGreaterThan(60);
    for (const place of places) {
      const manifest = fresh();
      const { of, key } = at(manifest, place);
      of[key] = typeof of[key] === 'object' ? 7 : [{ a: 1 }];
      const { problems } = await planManifest(manifest, { workingFolder });
      expect(problems.length).toBeGreaterThan(0);
      expect(problems.map(({ message }) => message).filter((message) => !message.includes('option'))).toEqual([]);
    }
  });
});

type Path = readonly string[];

/** The paths of all options in a manifest: of what stands below `with`. */
function optionsIn(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const way = [...path, key];
    return [...(path.includes('with') && !Array.isArray(value) ? [way] : []), ...optionsIn(inner, way)];
  });
}

/** What holds the value at a path, and its key there. */
function at(value: unknown, path: Path): { readonly of: Record<string, unknown>; readonly key: string } {
  const of = path.slice(0, -1).reduce((inner, key) => (inner as Record<string, unknown>)[key], value);
  return { of: of as Record<string, unknown>, key: path.at(-1)! };
}

describe('a substitute', () => {
  const choices = (schema: JsonSchema, fallback?: unknown) =>
    [0, 1, 2, 3].map((choice) => substitute(schema, fallback, choice));

  it('is the default at first, then others', () => {
    expect(choices({ type: 'integer', minimum: 1 }, 30)).toEqual([30, 1, 2, 3]);
    expect(choices({ enum: ['a', 'b', 'c'] }, 'c')).toEqual(['c', 'a', 'b', 'c']);
  });

  it('is of the kind that the schema wants', () => {
    expect(choices({ type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 })).toEqual([0.5, 0.25, 0.5, 0.25]);
    expect(choices({ type: 'integer', minimum: 64 })).toEqual([64, 65, 72, 64]);
    expect(choices({ type: 'boolean' })).toEqual([true, false, true, false]);
    expect(new Set(choices({ type: 'string' })).size).toBe(4);
    expect(choices({ type: 'array', items: { type: 'integer' } })).toEqual([[], [2], [3], [4]]);
    const object: JsonSchema = {
      type: 'object',
      properties: { a: { type: 'boolean' }, b: { type: 'boolean' } },
      required: ['a'],
    };
    expect(choices(object).slice(0, 2)).toEqual([{ a: true }, { a: false }]);
    expect(choices({ anyOf: [{ type: 'boolean' }, { type: 'integer' }] })).toEqual([true, 2, true, 4]);
  });
});
