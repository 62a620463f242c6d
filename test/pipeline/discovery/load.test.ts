import { execFile } from 'node:child_process';
import { rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Schema, Utf8 } from 'apache-arrow';
import { defer } from 'rxjs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { openCatalog } from '../../../pipeline/discovery/catalog.js';
import type { CatalogEntry } from '../../../pipeline/discovery/entry.js';
import { type Loaded, loadDefinition } from '../../../pipeline/discovery/load.js';
import { packageRoot } from '../../../pipeline/discovery/package.js';
import { AlignflowError } from '../../../pipeline/errors.js';
import type { Operator } from '../../../pipeline/operator.js';
import { planManifest } from '../../../pipeline/plan/plan-manifest.js';
import { makeFolder } from '../folder.js';

/** A folder of operators, with a cache of its own. */
function operators(files: Record<string, string>): string {
  const folder = makeFolder(files);
  vi.stubEnv('ALIGNFLOW_CACHE', join(folder, '.cache'));
  onTestFinished(() => void vi.unstubAllEnvs());
  return folder;
}

async function entryOf(folder: string, name = 'my/thing'): Promise<CatalogEntry> {
  const at = { file: 'test', line: 1, column: 1, length: 1, text: '' };
  const catalog = await openCatalog([{ value: folder, at }], ({ message }) => expect.fail(message));
  return catalog.entries.get(name)!;
}

async function load(files: Record<string, string>): Promise<Loaded> {
  return loadDefinition(await entryOf(operators(files)));
}

function operator(head: string, reads = '({})'): string {
  return `import { defineOperator } from 'alignflow';
${head}
export interface Thing { /** A. */ a?: string }
export default defineOperator({
  name: 'my/thing',
  defaults: {},
  reads: (_config: Thing) => ${reads},
  writes: (schema) => schema,
  run: () => (rows) => rows,
});
`;
}

async function failure(files: Record<string, string>): Promise<AlignflowError> {
  const error = await load(files).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AlignflowError);
  return error as AlignflowError;
}

describe('loadDefinition', () => {
  it('gives a user file the instances of alignflow, rxjs and apache-arrow of this process', async () => {
    const { definition } = await load({
      'x.ts': operator(
        "import { AlignflowError } from 'alignflow';\nimport * as arrow from 'apache-arrow';\nimport { defer } from 'rxjs';",
        '({ [String(AlignflowError === undefined)]: new arrow.Utf8(), defer, AlignflowError, Schema: arrow.Schema }) as never',
      ),
    });
    const reads = (definition as Operator<object>).reads({}) as Record<string, unknown>;
    expect(reads.false).toBeInstanceOf(Utf8);
    expect(reads.defer).toBe(defer);
    expect(reads.AlignflowError).toBe(AlignflowError);
    expect(reads.Schema).toBe(Schema);
  });

  it('compiles what a file imports by relative paths, in circles too', async () => {
    const { definition } = await load({
      'x.ts': operator(
        "import { double } from './lib/double.js';\nimport data from './data.json' with { type: 'json' };\nimport type { T } from './types.js';",
        '({ [String(double(data.n))]: [] as T[] }) as never',
      ),
      'lib/double.ts':
        "import { two } from './two.js';\nexport const base = 2;\nexport const double = (n: number): number => n * two();\n",
      'lib/two.ts': "import { base } from './double.js';\nexport const two = (): number => base;\n",
      'data.json': '{ "n": 21 }',
      'types.ts': 'export type T = never;\n',
    });
    expect(Object.keys((definition as Operator<object>).reads({}))).toEqual(['42']);
  });

  it('takes other packages from beside the file, by their `exports`', async () => {
    const { definition } = await load({
      'x.ts': operator(
        "import { name } from 'pack/sub';\nimport { plain } from 'old';",
        "({ [[name, plain].join(' ')]: [] }) as never",
      ),
      'node_modules/pack/package.json': JSON.stringify({
        name: 'pack',
        type: 'module',
        exports: { './*': { types: './*.d.ts', import: './lib/*.mjs', require: './lib/*.cjs' } },
      }),
      'node_modules/pack/lib/sub.mjs': "export const name = 'esm';\n",
      'node_modules/old/package.json': JSON.stringify({ name: 'old', main: 'main.js' }),
      'node_modules/old/main.js': "exports.plain = 'cjs';\n",
    });
    expect(Object.keys((definition as Operator<object>).reads({}))).toEqual(['esm cjs']);
  });

  it("lets import.meta name the user's own file", async () => {
    const { definition } = await load({ 'x.ts': operator('', '({ [import.meta.url]: [] }) as never') });
    expect(Object.keys((definition as Operator<object>).reads({}))[0]).toMatch(/alignflow-test-\w+\/x\.ts$/);
  });

  it('compiles once: again only when a source has changed, or what was made of it has gone', async () => {
    const folder = operators({ 'x.ts': operator("import './y.js';"), 'y.ts': 'export const y = 1;' });
    const first = await loadDefinition(await entryOf(folder));
    const made = fileURLToPath(first.module);
    utimesSync(made, 0, 0);
    expect(await loadDefinition(await entryOf(folder))).toEqual(first);
    expect(statSync(made).mtimeMs).toBe(0);
    rmSync(made);
    await loadDefinition(await entryOf(folder));
    expect(statSync(made).mtimeMs).toBeGreaterThan(0);
    writeFileSync(join(folder, 'y.ts'), 'export const y = 2;');
    const second = await loadDefinition(await entryOf(folder));
    expect(second.version).not.toBe(first.version);
    expect(second.module).not.toBe(first.module);
  });

  it('keeps what it compiled apart for alignflow from source and as it was built', async () => {
    const source = `import { defineSource } from 'alignflow';
import { Schema } from 'apache-arrow';
export interface Thing {}
export default defineSource({
  name: 'my/thing',
  defaults: {},
  schema: async (_config: Thing) => new Schema([]),
  units: async () => [],
  read: async function* () {},
});
`;
    const manifest = 'name: n\noperators: [./o]\nstages: { a: { use: filtering, source: { use: my/thing } } }\n';
    const folder = operators({ 'o/x.ts': source, 'm.yaml': manifest });
    const file = join(folder, 'm.yaml');
    expect((await planManifest(file, { workingFolder: folder })).problems).toEqual([]);
    const command = [join(packageRoot, 'stages/alignflow.js'), 'check', file];
    const { stdout } = await promisify(execFile)('node', command, { cwd: folder, env: process.env });
    expect(stdout).toContain('nothing wrong');
    expect((await planManifest(file, { workingFolder: folder })).problems).toEqual([]);
  });

  it('says where the cache cannot be written', async () => {
    const folder = operators({ 'x.ts': operator('') });
    writeFileSync(join(folder, 'file'), '');
    vi.stubEnv('ALIGNFLOW_CACHE', join(folder, 'file/cache'));
    await expect(entryOf(folder).then(loadDefinition)).rejects.toThrow(/the cache cannot be written: ENOTDIR/);
  });

  it('sees a changed option without being started anew', async () => {
    const folder = operators({ 'x.ts': operator('') });
    expect((await entryOf(folder)).schema.properties).toHaveProperty('a');
    writeFileSync(join(folder, 'x.ts'), operator('').replace('a?: string', 'b?: string'));
    expect((await entryOf(folder)).schema.properties).toHaveProperty('b');
  });

  it('has a version that changes with any of the files, and only then', async () => {
    const folder = operators({ 'x.ts': operator("import './y.js';"), 'y.ts': 'export const y = 1;\n' });
    const first = await loadDefinition(await entryOf(folder));
    utimesSync(join(folder, 'y.ts'), 1, 1);
    expect((await loadDefinition(await entryOf(folder))).version).toBe(first.version);
    writeFileSync(join(folder, 'y.ts'), 'export const y = 2;\n');
    expect((await loadDefinition(await entryOf(folder))).version).not.toBe(first.version);
  });

  it.each([
    ['a missing package', "import { x } from 'no-such-package';\nx;", 2, 'cannot find the module no-such-package'],
    ['a missing file', "import { x } from './none.js';\nx;", 2, 'there is no file ./none.js'],
    [
      'an unknown module of alignflow',
      "import { x } from 'alignflow/secret';\nx;",
      2,
      'cannot find the module alignflow/secret',
    ],
    ['a syntax error', 'const a = ;', 2, 'this file does not compile: Expression expected.'],
    [
      'a syntax error beside a missing file',
      "import { x } from './none.js';\nconst a = ;",
      3,
      'this file does not compile',
    ],
    ['a throw', "\nexport interface Long {\n  a: 1;\n}\nthrow new Error('boom');", 6, 'loading it fails: boom'],
    ['a name that is not there', 'const x = missing();\nx;', 2, 'loading it fails: missing is not defined'],
  ])('reports %s with its line', async (_name, head, line, what) => {
    const { fault } = await failure({ 'x.ts': operator(head) });
    expect(fault.what).toContain(what);
    expect(fault.where).toMatchObject({ line });
    expect(fault.where!.file).toMatch(/x\.ts$/);
  });

  it('reports a throw in a file that is imported, in that file', async () => {
    const { fault } = await failure({
      'x.ts': operator("import './y.js';"),
      'y.ts': "type Gone = { a: 1 };\n\nexport const y: Gone = JSON.parse('{');\n",
    });
    expect(fault.where!.file).toMatch(/y\.ts$/);
    expect(fault.where!.line).toBe(3);
  });

  it('reports an export that is not what the file says', async () => {
    const { fault } = await failure({
      'x.ts': operator('').replace("from 'alignflow'", "from './fake.js'"),
      'fake.ts': "export const defineOperator = (_definition: object) => ({ kind: 'sink', name: 'other' });\n",
    });
    expect(fault.what).toBe('the default export is the sink other');
    expect(fault.expected).toBe('the operator my/thing');
  });
});
