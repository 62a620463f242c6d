import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planManifest } from '../../../pipeline/plan/plan-manifest.js';
import { makeFolder } from '../folder.js';

const source = (name: string) => `import { defineSource } from 'alignflow';
import { Field, Schema, Utf8 } from 'apache-arrow';

/** Rows from nowhere. */
export interface Nothing {}

export default defineSource({
  name: '${name}',
  defaults: {},
  schema: async (_config: Nothing) => new Schema([new Field('caption', new Utf8())]),
  units: async () => [],
  read: async function* () {},
});
`;

const manifest = (operators: string, use = 'their/nothing') =>
  `name: x\noperators: ${operators}\nstages: { rows: { use: filtering, source: { use: ${use} } } }\n`;

/** A package's files, below `node_modules`. */
function packaged(name: string, alignflow: unknown, files: Readonly<Record<string, string>>): Record<string, string> {
  const root = `node_modules/${name}`;
  const inside = Object.entries(files).map(([path, text]) => [`${root}/${path}`, text]);
  return { [`${root}/package.json`]: JSON.stringify({ name, alignflow }), ...Object.fromEntries(inside) };
}

async function problemsOf(files: Readonly<Record<string, string>>): Promise<string[]> {
  const folder = makeFolder(files);
  const { problems } = await planManifest(join(folder, 'm.yaml'), { workingFolder: folder });
  return problems.map(({ message, at }) => `${at.line}:${at.column} ${message}`.replaceAll(folder, ''));
}

describe('operators of installed packages', () => {
  it.each([
    ['a package', 'their-operators', './lib', 'their-operators'],
    ['a package with a scope', '@their/operators', './lib', '"@their/operators"'],
    ['a package with several folders', 'their-operators', ['other', './lib'], '[their-operators]'],
  ])('are found by the name of %s', async (_, name, operators, named) => {
    const files = packaged(name, { operators }, { 'lib/nothing.ts': source('their/nothing'), 'other/helper.ts': '' });
    expect(await problemsOf({ 'm.yaml': manifest(named), ...files })).toEqual([]);
  });

  it('are found where the package is a link, as in a workspace', async () => {
    const folder = makeFolder({
      'apps/m.yaml': manifest('their-operators'),
      'packages/theirs/package.json': '{ "alignflow": { "operators": "." } }',
      'packages/theirs/nothing.ts': source('their/nothing'),
    });
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync('../packages/theirs', join(folder, 'node_modules/their-operators'));
    const { problems } = await planManifest(join(folder, 'apps/m.yaml'), { workingFolder: join(folder, 'apps') });
    expect(problems).toEqual([]);
  });

  it('stand behind a folder of the same name', async () => {
    const files = packaged('theirs', { operators: '.' }, { 'nothing.ts': source('their/nothing') });
    expect(
      await problemsOf({ 'm.yaml': manifest('theirs', 'mine/rows'), 'theirs/rows.ts': source('mine/rows'), ...files }),
    ).toEqual([]);
  });

  it.each([
    ['is not installed', {}, 'there is no folder and no installed package theirs'],
    ['names none', packaged('theirs', undefined, {}), 'the package theirs names no operators'],
    [
      'names no folder',
      packaged('theirs', { operators: 7 }, {}),
      'the package theirs cannot be read: alignflow.operators names no folders',
    ],
    [
      'names a folder that it has not',
      packaged('theirs', { operators: 'lib' }, {}),
      'the package theirs has no folder lib in it',
    ],
    [
      'names a folder outside',
      packaged('theirs', { operators: ['../..'] }, {}),
      'the package theirs has no folder ../.. in it',
    ],
  ])('are refused where the package %s', async (_, files, message) => {
    expect(await problemsOf({ 'm.yaml': manifest('theirs', 'source/parquet'), ...files })).toContain(`2:12 ${message}`);
  });

  it('are refused where package.json is broken', async () => {
    const files = { 'm.yaml': manifest('theirs', 'source/parquet'), 'node_modules/theirs/package.json': '{' };
    expect((await problemsOf(files)).join()).toMatch(/the package theirs cannot be read: .*JSON/);
  });
});
