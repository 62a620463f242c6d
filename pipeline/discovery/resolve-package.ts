import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Conditions of `exports` that hold for `import` in Node. */
const CONDITIONS = new Set(['node', 'import', 'module-sync', 'default']);

/**
 * The URL that `import` of a package from a file resolves to, as Node resolves it (Node's "ESM resolution algorithm":
 * the nearest `node_modules`, then `exports`, or `main` in a package without). Undefined where there is none.
 * `import.meta.resolve` cannot do it: it resolves from its own file only.
 */
export function resolvePackage(specifier: string, from: string): string | undefined {
  const [, name = '', rest = ''] = /^(@[^/]+\/[^/]+|[^@./][^/]*)(.*)$/.exec(specifier) ?? [];
  if (name === '') return undefined;
  const folder = findPackage(name, dirname(from));
  if (folder === undefined) return undefined;
  const description = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;
  const file =
    description.exports === undefined || description.exports === null
      ? plainFile(folder, rest, description.main)
      : exportedFile(folder, `.${rest}`, description.exports);
  return file === undefined || !existsSync(file) ? undefined : pathToFileURL(file).href;
}

/** The folder of an installed package, as a file in `start` sees it: in the nearest `node_modules` that has it. */
export function findPackage(name: string, start: string): string | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules', name);
    if (existsSync(join(found, 'package.json'))) return found;
    if (folder === dirname(folder)) return undefined;
  }
}

/** A file of a package without `exports`: what is named, or its `main`. */
function plainFile(folder: string, rest: string, main: unknown): string | undefined {
  if (rest !== '') return join(folder, rest);
  const named = typeof main === 'string' ? join(folder, main) : join(folder, 'index.js');
  return [named, `${named}.js`, join(named, 'index.js')].find((file) => /\.\w+$/.test(file) && existsSync(file));
}

/** A file of a package with `exports`, which name all that can be imported. */
function exportedFile(folder: string, subpath: string, exported: unknown): string | undefined {
  const table = isTable(exported) ? exported : { '.': exported };
  const exact = table[subpath];
  const target = exact === undefined ? matchPattern(subpath, table) : chooseTarget(exact);
  return target?.startsWith('./') ? join(folder, target) : undefined;
}

/** True for a map of subpaths, false for conditions of the package's main file. */
function isTable(exported: unknown): exported is Record<string, unknown> {
  return typeof exported === 'object' && exported !== null && Object.keys(exported).some((key) => key.startsWith('.'));
}

/** The target of the longest pattern (`./features/*`) that a subpath matches, with the matched text put in. */
function matchPattern(subpath: string, table: Readonly<Record<string, unknown>>): string | undefined {
  const keys = Object.keys(table).filter((key) => {
    const [before = '', after] = key.split('*');
    return after !== undefined && subpath.length >= key.length && subpath.startsWith(before) && subpath.endsWith(after);
  });
  const best = keys.sort((left, right) => right.indexOf('*') - left.indexOf('*'))[0];
  if (best === undefined) return undefined;
  const [before = '', after = ''] = best.split('*');
  return chooseTarget(table[best])?.replaceAll('*', subpath.slice(before.length, subpath.length - after.length));
}

/** The first target whose conditions hold. */
function chooseTarget(target: unknown): string | undefined {
  if (typeof target === 'string') return target;
  const options = Array.isArray(target)
    ? target
    : typeof target === 'object' && target !== null
      ? Object.entries(target).flatMap(([condition, value]) => (CONDITIONS.has(condition) ? [value] : []))
      : [];
  for (const option of options) {
    const chosen = chooseTarget(option);
    if (chosen !== undefined) return chosen;
  }
  return undefined;
}
