import { type Dirent, readdirSync, realpathSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { reasonOf } from '../errors.js';
import type { Report } from '../manifest/problem.js';
import { formatBytes } from '../manifest/units.js';

/** Bytes of the largest file that is read as source; what is larger is data under a wrong name. */
const LARGEST = 5e6;

/**
 * The TypeScript files of a folder that may define something, sorted: no tests, no declarations, nothing in hidden
 * folders or `node_modules`. A link to such a file of the folder is that file; other links of that kind, files that are too large
 * and folders that cannot be read are reported. Links to folders are not followed; those to one with such files in it, elsewhere, are reported.
 */
export function sourceFiles(folder: string, report: Report, deep = true): string[] {
  const root = realpathSync(folder);
  const found = new Set<string>();
  const refuse = (file: string, message: string, expected: string) =>
    report({ code: 'operators', message, at: { file, line: 1, column: 1, length: 1, text: '' }, expected });
  const take = (path: string) => {
    const { size } = statSync(path);
    if (size <= LARGEST) found.add(path);
    else refuse(path, `the file has ${formatBytes(size)}`, `TypeScript of at most ${formatBytes(LARGEST)}`);
  };
  const look = (inner: string) => {
    for (const item of itemsOf(inner, refuse)) {
      const path = join(inner, item.name);
      const entered = deep && !item.name.startsWith('.') && item.name !== 'node_modules';
      if (item.isDirectory()) {
        if (entered) look(path);
      } else if (item.isSymbolicLink() && entered && leadsToSources(path, root)) {
        refuse(
          path,
          `the link leads to the folder ${realpathSync(path)}`,
          'that folder in `operators`, too: links are not followed',
        );
      } else if (isSource(item.name)) {
        if (item.isFile()) take(path);
        else if (item.isSymbolicLink()) {
          const target = realFile(path);
          if (target?.startsWith(`${root}${sep}`) && isSource(target)) take(target);
          else
            refuse(
              path,
              `the link leads ${target === undefined ? 'to no file' : `to ${target}`}`,
              `a TypeScript file inside of ${root}`,
            );
        }
      }
    }
  };
  look(folder);
  return [...found].sort();
}

function isSource(name: string): boolean {
  return name.endsWith('.ts') && !/\.(test|d)\.ts$/.test(name);
}

function itemsOf(folder: string, refuse: (file: string, message: string, expected: string) => void): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    refuse(folder, `the folder cannot be read: ${reasonOf(error)}`, 'a folder that may be read');
    return [];
  }
}

/** Whether a link leads to a folder outside of `root` that has source files. */
function leadsToSources(path: string, root: string): boolean {
  try {
    const real = realpathSync(path);
    const within = real === root || real.startsWith(`${root}${sep}`);
    return !within && statSync(real).isDirectory() && readdirSync(real).some(isSource);
  } catch {
    return false; // It leads nowhere, or where nobody may read.
  }
}

function realFile(path: string): string | undefined {
  try {
    const real = realpathSync(path);
    return statSync(real).isFile() ? real : undefined;
  } catch {
    return undefined; // It leads nowhere, or in a circle.
  }
}
