import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { openCatalog } from '../discovery/catalog.js';
import { scaffold, type Template } from '../discovery/scaffold.js';
import { AlignflowError, reasonOf } from '../errors.js';
import { makeFolder } from '../make-folder.js';

/** What `alignflow new` may be followed by, and what it starts. */
const TEMPLATES: Readonly<Record<Template, string>> = {
  filter: 'an operator that drops rows, with its test',
  operator: 'an operator that changes rows, with its test',
};

/** `alignflow new filter NAME`, `alignflow new operator NAME`: files to start from, which work as they are. */
export function addNewCommand(program: Command): void {
  const start = program.command('new').description('start an operator of your own from a template, with its test');
  for (const [template, description] of Object.entries(TEMPLATES)) {
    start
      .command(template)
      .description(description)
      .argument('<name>', 'what manifests will call it: my/long-words')
      .option('--folder <folder>', 'the folder of your operators', 'operators')
      .action(async (name: string, { folder }: { folder: string }) => {
        const written = await writeScaffold(template as Template, name, resolve(folder));
        process.stdout.write(nextSteps(name, folder, written));
      });
  }
}

/** Writes the files and returns their paths. A file or a name that is there already is an error; nothing is replaced. */
async function writeScaffold(template: Template, name: string, folder: string): Promise<readonly string[]> {
  const files = scaffold(template, name).map(({ path, text }) => ({ path: join(folder, path), text }));
  const [taken] = files.filter(({ path }) => existsSync(path));
  if (taken !== undefined)
    throw new AlignflowError({ what: `there is a file ${taken.path} already`, fix: 'give the operator another name' });
  const at = { file: folder, line: 1, column: 1, length: 1, text: '' };
  const others = existsSync(folder) ? [{ value: folder, at }] : [];
  const { entries } = await openCatalog(others, () => undefined); // What is wrong with other operators is for `check`.
  const other = entries.get(name);
  if (other !== undefined)
    throw new AlignflowError({
      what: `${name} is there already, ${other.builtIn ? 'in alignflow itself' : `in ${other.file}`}`,
      fix: 'give the operator another name',
    });
  try {
    makeFolder(folder);
    for (const { path, text } of files) await writeFile(path, text, { flag: 'wx' });
  } catch (error) {
    throw new AlignflowError({ what: `cannot write into ${folder}: ${reasonOf(error)}`, cause: error });
  }
  return files.map(({ path }) => relative(process.cwd(), path));
}

function nextSteps(name: string, folder: string, [file, test]: readonly string[]): string {
  return `wrote ${file}
      ${test}

In a manifest beside that folder:
  operators: [./${folder}]
  ... steps: [{ use: ${name} }]

Its test: npx vitest run ${test}
`;
}
