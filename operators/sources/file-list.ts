import { readdir, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { AlignflowError, reasonOf } from '../../pipeline/errors.js';

/**
 * The files that a path means, sorted by name: the file itself; all files of a folder with one of the `endings`, folders
 * in it included; or those that match a pattern, in which `*` and `?` stand for any characters of a name, `**` for any
 * folders, and `{a,b}` for either. Names that begin with `.` or `_` are left out of folders and patterns.
 *
 * Throws an `AlignflowError` when there is no such file.
 */
export async function listFiles(base: string, path: string, ending: string): Promise<readonly string[]> {
  const full = resolve(base, path);
  const kind = await kindOf(full);
  if (kind === 'file') return [full];
  const pattern =
    kind === undefined ? patternOf(full) : { root: full, matches: (file: string) => file.endsWith(ending) };
  const files = pattern === undefined ? [] : await filesBelow(pattern.root);
  const found = files.filter((file) => pattern?.matches(file)).sort(byName);
  if (found.length > 0) return found;
  throw new AlignflowError({
    what:
      kind === 'folder'
        ? `there is no *${ending} file in this folder`
        : pattern === undefined
          ? 'there is no such file or folder'
          : 'no file matches this pattern',
    where: { file: path },
    expected: `a file, a folder with ${ending} files, or a pattern such as data/**/*${ending}; relative to ${base}`,
    fix: 'correct the path, or run first what writes these files',
  });
}

/** How messages and the ledger call a file: relative to the manifest's folder where it lies there, with `/`. */
export function fileName(base: string, file: string): string {
  const inside = relative(base, file);
  return (inside.startsWith('..') ? file : inside).split(sep).join('/');
}

async function kindOf(path: string): Promise<'file' | 'folder' | undefined> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new AlignflowError({ what: `it cannot be read: ${reasonOf(error)}`, where: { file: path }, cause: error });
  }
}

/** The deepest folder without a wildcard, and the test for a file below it; undefined for a path without wildcards. */
function patternOf(path: string): { readonly root: string; readonly matches: (file: string) => boolean } | undefined {
  const wild = path.search(/[*?{]/);
  if (wild < 0) return undefined;
  const matcher = new RegExp(`^${expressionOf(path)}$`, 'u');
  return { root: dirname(`${path.slice(0, wild)}x`), matches: (file) => matcher.test(file) };
}

function expressionOf(pattern: string): string {
  return pattern.replace(/\*\*\/|\*\*|\*|\?|\{([^{}]*)\}|[.+^$()|[\]\\{}]/g, (part, options: string | undefined) =>
    options === undefined ? (WILDCARDS[part] ?? `\\${part}`) : `(?:${options.split(',').map(expressionOf).join('|')})`,
  );
}

const WILDCARDS: Readonly<Record<string, string>> = { '**/': '(?:[^/]+/)*', '**': '.*', '*': '[^/]*', '?': '[^/]' };

async function filesBelow(folder: string): Promise<string[]> {
  const files: string[] = [];
  let entries: Awaited<ReturnType<typeof readEntries>>;
  try {
    entries = await readEntries(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new AlignflowError({
      what: `the folder cannot be read: ${reasonOf(error)}`,
      where: { file: folder },
      cause: error,
    });
  }
  for (const entry of entries) {
    if (/^[._]/.test(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) files.push(...(await filesBelow(path)));
    // Caches link to their blobs; linked folders are not followed, since they may form a circle.
    else if (entry.isFile() || (entry.isSymbolicLink() && (await kindOf(path)) === 'file')) files.push(path);
  }
  return files;
}

function readEntries(folder: string) {
  return readdir(folder, { withFileTypes: true });
}

function byName(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
