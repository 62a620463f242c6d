import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { findPackage } from '../discovery/resolve-package.js';
import { reasonOf } from '../errors.js';
import type { Located } from './position.js';
import type { Report } from './problem.js';

/** Where an entry of `operators` is looked for. */
export interface OperatorPlaces {
  /** The manifest's folder, absolute. */
  readonly manifestFolder: string;
  readonly workingFolder: string;
}

const PACKAGE_NAME = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/;

/**
 * The folders that an entry of `operators` names, absolute, links followed: a folder relative to the file that names it, inside
 * the manifest's folder or the working directory, since code in it will run; or else an installed package, whose package.json
 * names its folders: `"alignflow": { "operators": "./operators" }`. None after a problem.
 */
export function operatorFolders(
  named: Located<string>,
  { manifestFolder, workingFolder }: OperatorPlaces,
  report: Report,
): readonly Located<string>[] {
  const { value, at } = named;
  const base = isAbsolute(at.file) ? dirname(at.file) : manifestFolder;
  const refuse = (message: string, expected: string): [] => {
    report({ code: 'operators', message, at, expected });
    return [];
  };
  const folder = realFolder(resolve(base, value));
  if (folder === undefined) {
    if (!PACKAGE_NAME.test(value))
      return refuse(`there is no folder ${value}`, `a folder of operators, relative to ${base}`);
    const found = findPackage(value, base);
    if (found !== undefined) return packageFolders(value, found, refuse).map((inner) => ({ value: inner, at }));
    const expected = `a folder of operators, relative to ${base}, or a package in its node_modules`;
    return refuse(`there is no folder and no installed package ${value}`, expected);
  }
  const allowed = [manifestFolder, workingFolder].map((root) => realFolder(root) ?? root);
  if (allowed.some((root) => isInside(folder, root))) return [{ value: folder, at }];
  return refuse(
    `the folder ${value} is outside of the manifest's folder and of the working directory`,
    'a folder inside one of them: the code in it is run',
  );
}

/** The folders of operators that a package says it has; they are inside of it. */
function packageFolders(
  name: string,
  root: string,
  refuse: (message: string, expected: string) => [],
): readonly string[] {
  const file = join(root, 'package.json');
  const expected = `"alignflow": { "operators": "./operators" } in ${file}, a folder of TypeScript files or a list of them`;
  const named = namedOperators(file);
  if ('reason' in named) return refuse(`the package ${name} cannot be read: ${named.reason}`, expected);
  if (named.folders.length === 0) return refuse(`the package ${name} names no operators`, expected);
  const real = realFolder(root) ?? root;
  const folders = named.folders.map((path) => realFolder(resolve(real, path)));
  const wrong = named.folders[folders.findIndex((folder) => folder === undefined || !isInside(folder, real))];
  if (wrong === undefined) return folders.filter((folder) => folder !== undefined);
  return refuse(`the package ${name} has no folder ${wrong} in it`, expected);
}

function namedOperators(file: string): { folders: readonly string[] } | { reason: string } {
  try {
    const { alignflow } = JSON.parse(readFileSync(file, 'utf8')) as { alignflow?: { operators?: unknown } };
    const operators = alignflow?.operators ?? [];
    const folders: unknown[] = Array.isArray(operators) ? operators : [operators];
    const paths = folders.filter((path) => typeof path === 'string');
    return paths.length === folders.length ? { folders: paths } : { reason: 'alignflow.operators names no folders' };
  } catch (error) {
    return { reason: reasonOf(error) };
  }
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
