import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { renderProblems } from '../../../pipeline/manifest/render.js';
import type { ManifestValue } from '../../../pipeline/manifest/yaml-of.js';
import { planManifest } from '../../../pipeline/plan/plan-manifest.js';
import { changed, makeExample } from './example.js';

/** The problems of a manifest, a line each. */
async function problemsOf(text: string, files: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
  const folder = makeExample(text, files);
  const { problems } = await planManifest(join(folder, 'manifest.yaml'), { workingFolder: folder });
  const printed = renderProblems(problems, { color: false, workingFolder: folder });
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

/** An operator of a user, `mine/NAME`, with one option and what it makes of it. */
function operatorFile(name: string, option: string, body: string): string {
  return `
import { AlignflowError, defineOperator, withField } from 'alignflow';
import { Field, type Schema, Utf8 } from 'apache-arrow';
import { map } from 'rxjs';

const added = (schema: Schema) => withField(schema, new Field('new', new Utf8()));

/** Adds a column, or not. */
export interface Adds {
  /** What decides. */
  what${option};
  /** Of no matter here. */
  other?: number;
}

export default defineOperator({ name: 'mine/${name}', defaults: {}, run: () => map((batch) => batch), ${body} });
`;
}

/** Adds the column where the option fulfils a condition. */
const adding = (condition: string) =>
  `reads: (_config: Adds) => ({}), writes: (schema, { what }) => (${condition} ? added(schema) : schema)`;
/** Adds it in any case, and objects to an option that fulfils a condition. */
const objecting = (condition: string, error: string) =>
  `reads: ({ what }: Adds) => { if (${condition}) throw ${error}; return {}; }, writes: (schema) => added(schema)`;

describe('a wrong option alone is one problem', () => {
  const wrong = "new AlignflowError({ what: 'it cannot be' })";
  const map = ': { column?: string; other?: number }';
  const either = ': string | { column: string; into?: string }';
  it.each([
    ['text that decides', ': string', '7', adding("what === 'add'")],
    ['one of many constants', ": 'a' | 'b' | 'c' | 'd' | 'e' | 'f'", 'z', adding("what === 'f'")],
    ['a number with a threshold', ': number', 'few', adding('what > 20')],
    ['a list', ': string[]', '7', adding("what.includes('add')")],
    ['an item of a list', ': string[]', '[a, 7]', adding("what.includes('add')")],
    ['a record', ': Record<string, string>', '7', adding("what.a === 'new'")],
    ['a map', map, '7', adding('what.column !== undefined')],
    ['a strange key of a map', map, '{ xyzzy: new }', adding('what.column !== undefined')],
    ['a map of two kinds', either, '7', adding("typeof what !== 'string' && what.into === 'new'")],
    ['a field of such a map', either, '{ column: a, into: 7 }', adding("typeof what !== 'string' && what.into !== ''")],
    ['a missing field of it', either, '{ into: new }', adding("typeof what !== 'string' && what.into !== ''")],
    ['a strange key beside one that is there', '?: string', 'new, xyzzy: 7', adding('what !== undefined')],
    ['a list that is too short', ': string[]', '7', objecting('what.length < 2', wrong)],
    ['a number that is too small', ': number', 'few', objecting('what < 16', wrong)],
    ['a text that is no date', ': string', '7', objecting('Number.isNaN(Date.parse(what))', "new Error('no date')")],
    ['what is caught', ': string', '7', adding("(() => { try { return what === 'x'; } catch { return false; } })()")],
    ['a table', ': string', '7', 'reads: ({ what }: Adds) => ({ a: {} } as never)[what], writes: added'],
  ])('%s', async (_, option, given, body) => {
    const text = changed(
      '{ use: toy/length, with: { min: 1, share: 90% } }',
      `{ use: mine/adds, with: { what: ${given} } }`,
    ).replace(
      '    sink: { use: sink/toy }',
      '      - { use: toy/length, with: { column: new } }\n    sink: { use: sink/toy }',
    );
    const problems = await problemsOf(text, { 'operators/adds.ts': operatorFile('adds', option, body) });
    expect(problems).toEqual([expect.stringContaining('option')]);
  });

  it('two that exclude each other are two', async () => {
    const body = objecting('what.a === what.b', wrong);
    const text = changed(
      '{ use: toy/length, with: { min: 1, share: 90% } }',
      '{ use: mine/adds, with: { what: { a: 1, b: 2 } } }',
    );
    const option = ': { a: boolean; b: boolean }';
    const problems = await problemsOf(text, { 'operators/adds.ts': operatorFile('adds', option, body) });
    expect(problems).toEqual([expect.stringContaining('what.a'), expect.stringContaining('what.b')]);
  });

  it('of which two may have been meant', async () => {
    const body = objecting('what === undefined', wrong);
    const text = changed(
      '{ use: toy/length, with: { min: 1, share: 90% } }',
      '{ use: mine/adds, with: { wham: 1, what: a, } }',
    );
    const problems = await problemsOf(text, { 'operators/adds.ts': operatorFile('adds', ': string', body) });
    expect(problems).toEqual([expect.stringContaining('wham')]);
  });

  it('whatever is done to the options', async () => {
    const body = `
      reads: ({ what }: Adds) => {
        what.push('more');
        if (what.length > 2) throw ${wrong};
        return {};
      },
      writes: (schema, config) => { config.other = 7; return config.other === 7 ? added(schema) : schema; }`;
    const text = changed(
      '{ use: toy/length, with: { min: 1, share: 90% } }',
      '{ use: mine/adds, with: { what: [a], other: few } }',
    );
    const problems = await problemsOf(text, { 'operators/adds.ts': operatorFile('adds', ': string[]', body) });
    expect(problems).toEqual([expect.stringContaining('option other')]);
  });
});

it('what a stage hands over with a wrong option in it is unknown to later ones', async () => {
  const stage = `
import { defineStage } from 'alignflow';
import { EMPTY } from 'rxjs';

/** Makes a model. */
export interface Makes {
  /** Its sizes. */
  sizes: { model: string; widths: number[] };
}

export default defineStage({
  name: 'makes',
  defaults: {},
  takes: { rows: 'required' },
  reads: (_config: Makes) => ({}),
  plan: ({ sizes }) => ({ hands: { checkpoint: { model: sizes, parameters: 1, trainedBy: ['makes'] } } }),
  run: () => EMPTY,
});
`;
  const text = changed(
    'use: learn\n    from: pairs\n    with: { steps: 5, time: 5m }',
    'use: makes\n    from: pairs\n    with: { sizes: { model: 7, widths: [few] } }',
  )
    .replace("    require: { loss: '< 2.5' }\n", '')
    .replace('    from: train\n', '    from: pairs\n');
  expect(await problemsOf(text, { 'operators/makes.ts': stage })).toEqual([
    expect.stringContaining('option sizes.model is a number'),
    expect.stringContaining('option sizes.widths[0] is text'),
  ]);
});

it('many wrong columns beside a wrong option take no long time', async () => {
  const columns = Array.from({ length: 4000 }, (_, i) => ({ [`column${i}`]: 'any' }));
  const body = `reads: (_config: Adds) => (${JSON.stringify(Object.assign({}, ...columns))}), writes: added`;
  const text = changed(
    '{ use: toy/length, with: { min: 1, share: 90% } }',
    '{ use: mine/adds, with: { what: a, other: few } }',
  );
  const from = performance.now();
  const problems = await problemsOf(text, { 'operators/adds.ts': operatorFile('adds', ': string', body) });
  expect(problems).toHaveLength(4001);
  expect(performance.now() - from).toBeLessThan(5000);
});
