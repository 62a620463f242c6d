import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { openEditor } from './pipeline/discovery/language-server.js';

const run = promisify(execFile);
const repository = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(join(repository, 'README.md'), 'utf8');
const scripts = (JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { scripts: object }).scripts;

/** The code blocks of one language. */
function blocks(language: string): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, text]) => text!);
}

/** A checkout with nothing but what the README has written, beside the operators of the emoji manifest. */
const folder = mkdtempSync(join(tmpdir(), 'alignflow-readme-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const written = [...blocks('yaml'), ...blocks('ts')].map((text) => {
  const path = /^(?:#|\/\/) (\S+)\n/.exec(text)![1]!;
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
  return path;
});
cpSync(join(repository, 'manifests/emoji'), join(folder, 'manifests/emoji'), { recursive: true });
symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'));

/** Runs the command as a user's shell does; the build is that of `npm test`. */
async function alignflow(...parts: string[]): Promise<string> {
  const { stdout } = await run('node', [join(repository, 'stages/alignflow.js'), ...parts], { cwd: folder });
  return stdout;
}

describe('README', () => {
  it('writes a manifest, an operator and its test', () => {
    expect(written).toEqual([
      'manifests/short.yaml',
      'manifests/short/operators/caption-words.ts',
      'test/manifests/short/caption-words.test.ts',
    ]);
  });

  it('has a command that says what to do before the build', async () => {
    const clone = join(folder, 'clone');
    cpSync(join(repository, 'stages/alignflow.js'), join(clone, 'stages/alignflow.js'));
    cpSync(join(repository, 'package.json'), join(clone, 'package.json'));
    const message = `alignflow: error: not built yet: run \`npm run build\` in ${clone}/\n`;
    await expect(run('node', [join(clone, 'stages/alignflow.js')])).rejects.toMatchObject({ code: 1, stderr: message });
  });

  it('has a manifest that checks', async () => {
    expect(await alignflow('check', 'manifests/short.yaml')).toContain('nothing wrong');
  });

  it('has an operator that is described by its doc comments', async () => {
    const text = await alignflow('describe', 'short/caption-words', '--manifest', 'manifests/short.yaml');
    expect(text).toContain('Keeps rows whose caption has between `min` and `max` words, inclusive.');
    expect(text).toContain('Drops rows for: null, short, long');
  });

  it('has a schema for editors with that operator in it', async () => {
    const command = readme.match(/^npx alignflow (schema .*)$/m)![1]!.split(' ');
    await alignflow(...command);
    const schema = readFileSync(join(folder, 'manifests/short.schema.json'), 'utf8');
    await expect(openEditor(JSON.parse(schema)).problems(blocks('yaml')[0]!)).resolves.toEqual([]);
    expect(schema).toContain('short/caption-words');
  });

  it('has code that compiles under the strict settings of the project', async () => {
    const built = (path: string) => [join(repository, 'dist', path)];
    const paths = { alignflow: built('pipeline/index.d.ts'), 'alignflow/testing': built('test/kit/index.d.ts') };
    const settings = {
      extends: join(repository, 'tsconfig.json'),
      compilerOptions: { noEmit: true, rootDir: '/', paths },
      files: written.slice(1),
      include: [],
    };
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
    const compiler = join(repository, 'node_modules/typescript/bin/tsc');
    await expect(run('node', [compiler, '-p', folder])).resolves.toMatchObject({ stdout: '' });
  });

  it('names commands and options that exist, and all of them', async () => {
    const help = await alignflow('--help');
    const existing = [...help.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name!).filter((name) => name !== 'help');
    const named = [...readme.matchAll(/^\| `alignflow ([a-z]+)/gm)].map(([, name]) => name!);
    expect(named).toEqual(existing);
    expect(await alignflow('check', '--help')).toContain('--json');
    expect(await alignflow('setup', '--help')).toContain('--gpu');
    for (const command of ['run', 'check', 'plan']) expect(await alignflow(command, '--help')).toContain('--set');
  });

  it('names scripts, files and folders that exist', () => {
    const called = [...readme.matchAll(/npm run ([a-z]+)/g)].map(([, name]) => name!);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining([...called, 'test']));
    const links = [...readme.matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(([, path]) => path!);
    const folders = [...readme.matchAll(/`((?:pipeline|operators|stages|manifests|test|docs|\.ci)\/[^`\s]*)`/g)];
    const paths = [...links, ...folders.map(([, path]) => path!)].filter((path) => !/manifests\/short/.test(path));
    expect(paths.length).toBeGreaterThan(10);
    expect(paths.filter((path) => !existsSync(join(repository, path)))).toEqual([]);
  });

  it('names the versions of the data that the emoji operators pin', () => {
    const pins = readFileSync(join(repository, 'manifests/emoji/operators/packages.ts'), 'utf8');
    for (const [, name, version] of pins.matchAll(/name: '([^']+)',\s+version: '([^']+)'/g)) {
      const row = readme.split('\n').find((line) => line.startsWith('|') && line.includes(`\`${name}\``));
      expect(row, name).toContain(version);
    }
  });
});

// The README's own test of its operator: its cases are part of this file.
await import(/* @vite-ignore */ join(folder, written[2]!));
