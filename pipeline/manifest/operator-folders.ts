import { realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import type { Located } from './position.js';
import type { Report } from './problem.js';

/**
 * The folder that an entry of `operators` names, absolute: relative to the file that names it, and inside the manifest's
 * folder or the working directory with links followed, since code in it will run. Undefined after a problem.
 */
export function operatorFolder(
  named: Located<string>,
  manifestFolder: string,
  workingFolder: string,
  report: Report,
): Located<string> | undefined {
  const { value, at } = named;
  const base = isAbsolute(at.file) ? dirname(at.file) : manifestFolder;
  const refuse = (message: string, expected: string): undefined => {
    report({ code: 'operators', message, at, expected });
  };
  const folder = realFolder(resolve(base, value));
  if (folder === undefined) return refuse(`there is no folder ${value}`, `a folder of operators, relative to ${base}`);
  const allowed = [manifestFolder, workingFolder].map((root) => realFolder(root) ?? root);
  if (allowed.some((root) => isInside(folder, root))) return { value: folder, at };
  return refuse(
    `the folder ${value} is outside of the manifest's folder and of the working directory`,
    'a folder inside one of them: the code in it is run',
  );
}

function realFolder(path: string): string | undefined {
  try {
    const real = realpathSync(path);
    return statSync(real).isDirectory() ? real : undefined;
  } catch {
    return undefined;
  }
}

function isInside(path: string, root: string): boolean {
  const way = relative(root, path);
  return way.split(sep)[0] !== '..' && !isAbsolute(way);
}
