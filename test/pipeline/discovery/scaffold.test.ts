import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { addNewCommand } from '../../../pipeline/commands/new.js';
import { packageRoot } from '../../../pipeline/discovery/package.js';
import { scaffold, type Template } from '../../../pipeline/discovery/scaffold.js';
import { planManifest } from '../../../pipeline/plan/plan-manifest.js';
import { makeFolder } from '../folder.js';

const run = promisify(execFile);
const project = mkdtempSync(join(tmpdir(), 'alignflow-scaffold-'));
afterAll(() => rmSync(project, { recursive: true, force: true }));

const templates = ['filter', 'operator'] as const;
const nameOf = (template: Template) => `my/new-${template}`;

// A project with both templates as they come, beside a source that gives captions.
mkdirSync(join(project, 'operators'));
symlinkSync(join(packageRoot, 'node_modules'), join(project, 'node_modules'));
cpSync(join(packageRoot, 'manifests/emoji/operators'), join(project, 'emoji'), { recursive: true });
for (const { path, text } of templates.flatMap((template) => scaffold(template, nameOf(template))))
  writeFileSync(join(project, 'operators', path), text);

describe.each(templates)('the scaffold of a new %s', (template) => {
  it('passes check as it stands', async () => {
    const file = join(project, `${template}.yaml`);
    writeFileSync(
      file,
      `name: new
operators: [./operators, ./emoji]
stages:
  pairs:
    use: filtering
    source: { use: emoji/pairs, with: { vendors: [openmoji] } }
    steps: [{ use: ${nameOf(template)} }]
`,
    );
    expect((await planManifest(file)).problems).toEqual([]);
  });
});

describe('the code of scaffolds', () => {
  it('compiles under the strict settings of the project', async () => {
    const built = (path: string) => [join(packageRoot, 'dist', path)];
    const paths = { alignflow: built('pipeline/index.d.ts'), 'alignflow/testing': built('test/kit/index.d.ts') };
    const settings = {
      extends: join(packageRoot, 'tsconfig.json'),
      compilerOptions: { noEmit: true, rootDir: '/', paths },
      include: [join(project, 'operators')],
    };
    writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(settings));
    const compiler = join(packageRoot, 'node_modules/typescript/bin/tsc');
    await expect(run('node', [compiler, '-p', project])).resolves.toMatchObject({ stdout: '' });
  });

  it('is formatted and free of lint', async () => {
    const folder = makeFolder({ 'biome.json': readFileSync(join(packageRoot, 'biome.json'), 'utf8') });
    cpSync(join(project, 'operators'), join(folder, 'operators'), { recursive: true });
    const biome = join(packageRoot, 'node_modules/@biomejs/biome/bin/biome');
    await expect(run('node', [biome, 'check', '--error-on-warnings', folder], { cwd: folder })).resolves.toBeDefined();
  });
});

describe('alignflow new', () => {
  const start = async (...args: readonly string[]) => {
    let out = '';
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      out += text;
      return true;
    });
    const program = new Command('alignflow').exitOverride();
    addNewCommand(program);
    await program.parseAsync(['node', 'alignflow', 'new', ...args]);
    return out;
  };
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('writes the operator and its test, and says how to go on', async () => {
    const folder = join(makeFolder({}), 'operators');
    const out = await start('filter', 'my/long-words', '--folder', folder);
    expect(readdirSync(folder)).toEqual(['long-words.test.ts', 'long-words.ts']);
    expect(out).toContain('{ use: my/long-words }');
    expect(readFileSync(join(folder, 'long-words.ts'), 'utf8')).toContain('export interface LongWords {');
  });

  it('replaces nothing', async () => {
    const folder = makeFolder({ 'long-words.test.ts': 'mine' });
    await expect(start('filter', 'my/long-words', '--folder', folder)).rejects.toThrow('there is a file');
    expect(readdirSync(folder)).toEqual(['long-words.test.ts']);
    expect(readFileSync(join(folder, 'long-words.test.ts'), 'utf8')).toBe('mine');
  });

  it('takes no name that is there already', async () => {
    const folder = makeFolder({});
    await expect(start('filter', 'filter/score', '--folder', folder)).rejects.toThrow('in alignflow itself');
    await start('operator', 'my/long-words', '--folder', folder);
    await expect(start('operator', 'my/long-words', '--folder', join(folder))).rejects.toThrow('there is a file');
  });

  it.each(['long-words', 'My/Words', 'my/../words', 'my/1', 'my/long--words', ''])(
    'refuses the name %s',
    async (name) => {
      await expect(start('filter', name, '--folder', makeFolder({}))).rejects.toThrow('cannot name an operator');
    },
  );
});

for (const template of templates)
  await import(/* @vite-ignore */ join(project, 'operators', `new-${template}.test.ts`));
