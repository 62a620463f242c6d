/** The pages of `docs/` that show how something is done: what they say is done, block by block, and must come out. */
import { execFile } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ts } from 'ts-morph';
import { describe, expect, it, onTestFinished } from 'vitest';

const run = promisify(execFile);
const repository = fileURLToPath(new URL('..', import.meta.url));

interface Block {
  readonly language: string;
  readonly text: string;
}

function blocksOf(page: string): Block[] {
  const text = readFileSync(join(repository, 'docs', page), 'utf8');
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, text]) => ({
    language: language!,
    text: text!,
  }));
}

/** An empty project in which alignflow is installed, as npm would do it. */
function project(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'alignflow-docs-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '.bin'), { recursive: true });
  for (const name of readdirSync(join(repository, 'node_modules')).filter((name) => !name.startsWith('.')))
    symlinkSync(join(repository, 'node_modules', name), join(modules, name));
  symlinkSync(repository, join(modules, 'alignflow'));
  const commands = { alignflow: 'stages/alignflow.js', vitest: 'node_modules/vitest/vitest.mjs' };
  for (const [command, file] of Object.entries(commands)) {
    const script = `#!/bin/sh\nexec node ${join(repository, file)} "$@"\n`;
    writeFileSync(join(modules, '.bin', command), script, { mode: 0o755 });
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  return folder;
}

/** Does what a page says in an empty project; each line of an output that it shows must be in the output, in that order. */
async function follow(page: string): Promise<void> {
  const folder = project();
  const environment = {
    ...process.env,
    PATH: `${join(folder, 'node_modules/.bin')}:${process.env.PATH}`,
    NO_COLOR: '1',
  };
  const options = { cwd: folder, env: environment };
  const written: string[] = [];
  let output = '';
  for (const { language, text } of blocksOf(page)) {
    if (language === 'sh') {
      const { stdout, stderr } = await run('sh', ['-ec', text], options);
      output = stdout + stderr;
    } else if (language === 'text') {
      let from = 0;
      for (const line of text.trimEnd().split('\n')) {
        const at = output.indexOf(line, from);
        expect(at, `${page} shows this line, and the output has it not:\n${line}\n\n${output}`).not.toBe(-1);
        from = at + line.length;
      }
    } else {
      const path = /^(?:#|\/\/) (\S+)\n/.exec(text)![1]!;
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
      if (language === 'ts') written.push(path);
      if (path.startsWith('examples/')) output = await runExample(folder, path, text);
    }
  }
  await compile(folder, written);
}

async function runExample(folder: string, path: string, text: string): Promise<string> {
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  const file = join(folder, path.replace(/\.ts$/, '.js'));
  writeFileSync(file, ts.transpileModule(text, { compilerOptions }).outputText);
  return (await run('node', [file], { cwd: folder })).stdout;
}

/** All code of the page, under the strict settings of the project. */
async function compile(folder: string, files: readonly string[]): Promise<void> {
  const built = (path: string) => [join(repository, 'dist', path)];
  const paths = {
    alignflow: built('pipeline/index.d.ts'),
    'alignflow/operators': built('operators/index.d.ts'),
    'alignflow/testing': built('test/kit/index.d.ts'),
  };
  const typeRoots = [join(repository, 'node_modules/@types')];
  const compilerOptions = { noEmit: true, rootDir: '/', types: ['node'], typeRoots, paths };
  const settings = { extends: join(repository, 'tsconfig.json'), compilerOptions, files, include: [] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
  const compiler = join(repository, 'node_modules/typescript/bin/tsc');
  await run('node', [compiler, '-p', folder]).catch((error: { stdout: string }) => expect(error.stdout).toBe(''));
}

describe('docs', () => {
  it.each(['write-an-operator.md', 'library.md'])('%s can be done word for word', follow);
});
