import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCatalog } from '../../../pipeline/discovery/catalog.js';
import { manifestSchema } from '../../../pipeline/discovery/manifest-schema.js';
import { packageRoot } from '../../../pipeline/discovery/package.js';
import { MANIFEST_KEYS } from '../../../pipeline/manifest/read-manifest.js';
import { STAGE_KEYS } from '../../../pipeline/manifest/read-stage.js';
import { planManifest } from '../../../pipeline/plan/plan-manifest.js';
import { makeFolder } from '../folder.js';
import { openEditor } from './language-server.js';

const folder = join(packageRoot, 'manifests');
const at = { file: 'test', line: 1, column: 1, length: 1, text: '' };
const catalog = await openCatalog([{ value: join(folder, 'emoji', 'operators'), at }], (problem) => {
  throw new Error(problem.message);
});
const schema = manifestSchema(catalog);
const editor = openEditor(schema);
const emoji = readFileSync(join(folder, 'emoji.yaml'), 'utf8');

const variable = (name: string) => `"\${${name}}"`;

/** The emoji manifest with one text replaced, `|` for the cursor. */
function emojiWith(text: string, by: string): string {
  expect(emoji).toContain(text);
  return emoji.replace(text, by);
}

describe('the schema of manifests', () => {
  it('has the keys that a manifest and a stage may have, each with a description', () => {
    const { stage } = schema.definitions!;
    expect(Object.keys(schema.properties!).sort()).toEqual([...MANIFEST_KEYS, 'extends', 'variables'].sort());
    expect(Object.keys(stage!.properties!).sort()).toEqual([...STAGE_KEYS].sort());
    for (const key of [...Object.values(schema.properties!), ...Object.values(stage!.properties!)])
      expect(key).toHaveProperty('description');
  });

  it.each(['emoji', 'emoji-english', 'emoji-names', 'emoji-validation'])(
    'finds nothing wrong in %s.yaml',
    async (name) => {
      expect(await editor.problems(readFileSync(join(folder, `${name}.yaml`), 'utf8'))).toEqual([]);
    },
  );
});

describe('an editor with the schema', () => {
  it("proposes the user's own operators among the others, with their doc comments", async () => {
    const steps = await editor.proposals(emojiWith('- { use: emoji/blend }', '- use: |'));
    expect(steps['emoji/blend']).toMatch(/^Mixes two drawings of the same emoji/);
    expect(steps['filter/caption-length']).toMatch(/^Keeps rows whose caption/);
    expect(Object.keys(steps)).not.toContain('emoji/pairs');
    expect(Object.keys(await editor.proposals(emojiWith('use: emoji/pairs', 'use: |')))).toContain('emoji/pairs');
    expect(Object.keys(await editor.proposals(emojiWith('use: tokenization', 'use: |')))).toEqual(
      catalog.ofKind('stage').map(({ name }) => name),
    );
  });

  it('proposes the options of the operator that is used, with default and range', async () => {
    const options = await editor.proposals(
      emojiWith(
        '{ use: order/shuffle, with: { rows: 8192, bytes: 128MB } }',
        'use: order/shuffle\n        with:\n          |',
      ),
    );
    expect(Object.keys(options).sort()).toEqual(['bytes', 'rows']);
    expect(options.bytes).toMatch(/Takes bytes, like 64MB.*unless given\.$/s);
    const own = await editor.proposals(
      emojiWith('with: { vendors: [google,', 'with:\n        |\n        was: { vendors: [google,'),
    );
    expect(own.vendors).toMatch(/Takes a list, each one of fluent, google/);
    const ofStage = await editor.proposals(emojiWith('masking: 0.25 #', 'm|: 0.25 #'));
    expect(ofStage.masking).toMatch(/Takes a number from 0 to 0.95; 0.5 unless given\.$/);
  });

  it('proposes the values of an enumeration', async () => {
    expect(Object.keys(await editor.proposals(emojiWith('unit: characters', 'unit: |')))).toEqual(
      expect.arrayContaining(['words', 'characters']),
    );
    expect(Object.keys(await editor.proposals(emojiWith('vendors: [twitter]', 'vendors: [|]')))).toContain('twitter');
  });

  it('shows what a name and an option mean', async () => {
    expect(await editor.hover(emojiWith('emoji/blend', 'emoji/bl|end'))).toMatch(/Mixes two drawings/);
    expect(await editor.hover(emojiWith('vendors: [twitter]', 'ven|dors: [twitter]'))).toMatch(/Takes a list/);
    expect(await editor.hover(emojiWith('warmup: 100', 'war|mup: 100'))).toMatch(/Steps of linear warm-up/);
    expect(await editor.hover(emojiWith('memory: 1GB', 'mem|ory: 1GB'))).toMatch(/Bytes of rows/);
  });

  const wrong: readonly (readonly [string, string, RegExp])[] = [
    ['use: emoji/blend', 'use: emoji/blnd', /must be "columns\/select"/],
    ['use: generative', 'use: generativ', /must be "contrastive"/],
    ['max: 120', 'maks: 120', /maks is not allowed/],
    ['unit: characters', 'unit: character', /Valid values: "words", "characters"/],
    ['min: 1,', 'min: -1,', /below the minimum of 0/],
    ['minSide: 32', 'minSide: "32"', /Expected a whole number/],
    ['bytes: 128MB', 'bytes: 128XB', /Expected bytes, like 64MB/],
    ['vendors: [twitter]', 'vendors: [twiter]', /Valid values/],
    ['columns: [pixels, caption, language, kind, emoji]', '', /Missing property "columns"/],
    ['init: contrast', 'inti: contrast', /inti is not allowed/],
    ['checkpoint: contrast', 'checkpoint: contrast\n    init: contrast', /init is not allowed/],
    ['seed: 7', 'seed: -7', /below the minimum of 0/],
    ['steps: 2400', 'steps: many', /Expected a whole number/],
  ];

  it.each(wrong)('marks what check finds: %s, as %s', async (right, text, message) => {
    const file = join(makeFolder({ 'manifest.yaml': emojiWith(right, text) }), 'manifest.yaml');
    const changed = readFileSync(file, 'utf8');
    const [first, ...more] = await editor.problems(changed);
    expect(first).toMatch(message);
    expect(more).toEqual([]);
    const { problems } = await planManifest(file, { set: [`operators=${join(folder, 'emoji', 'operators')}`] });
    expect(problems.map(({ at }) => at.line)).toContain(Number.parseInt(first!, 10));
  });

  it('takes a variable for any value', async () => {
    for (const [text, by] of [
      ['min: 1,', `min: ${variable('least')},`],
      ['unit: characters', `unit: ${variable('unit')}`],
      ['other: true', `other: ${variable('other')}`],
      ['bytes: 128MB', `bytes: ${variable('bytes')}`],
      ['scale: [1, 1] #', `scale: ${variable('scale')} #`],
      ['use: emoji/blend', `use: ${variable('blend')}`],
    ] as const)
      expect(await editor.problems(emojiWith(text, by))).toEqual([]);
  });
});
