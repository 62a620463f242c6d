import { existsSync, statSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { AlignflowError, type Where } from '../errors.js';
import { bundledModule, isOwnSpecifier, ownModule } from './package.js';
import { resolvePackage } from './resolve-package.js';

/** What an import of a user's file leads to: another TypeScript file, to be compiled as well, or a URL. */
export type Target = { readonly source: string } | { readonly url: string };

/** Packages whose objects go between alignflow and a user's file: both must have the same instance. */
const SHARED = /^(rxjs|apache-arrow)(\/|$)/;

/**
 * Resolves an import of a user's file. `alignflow` and the packages that it shares with users lead to the instances of
 * this process; another package is looked for from the user's file, then among alignflow's own dependencies.
 */
export function resolveImport(specifier: string, from: string, where: Where): Target {
  if (isBuiltin(specifier) || specifier.startsWith('data:')) return { url: specifier };
  if (/^\.{0,2}\//.test(specifier)) return resolveFile(specifier, from, where);
  const url = isOwnSpecifier(specifier)
    ? ownModule(specifier)
    : SHARED.test(specifier)
      ? (bundledModule(specifier) ?? ownDependency(specifier))
      : (resolvePackage(specifier, from) ?? ownDependency(specifier));
  if (url !== undefined) return { url };
  throw new AlignflowError({
    what: `cannot find the module ${specifier}`,
    where,
    expected: 'a package that is installed, a file by a relative path, or a module of alignflow',
    fix: isOwnSpecifier(specifier)
      ? 'import from alignflow, alignflow/operators, alignflow/stages, alignflow/models or alignflow/testing'
      : `npm install ${packageName(specifier)}`,
  });
}

function resolveFile(specifier: string, from: string, where: Where): Target {
  const path = resolve(dirname(from), specifier);
  const sources = [path.replace(/\.js$/, '.ts'), path, `${path}.ts`, `${path}/index.ts`];
  const file = sources.find((candidate) => existsSync(candidate) && statSync(candidate).isFile());
  if (file === undefined)
    throw new AlignflowError({ what: `there is no file ${specifier}`, where, expected: `a file ${sources[0]}` });
  return file.endsWith('.ts') ? { source: file } : { url: pathToFileURL(file).href };
}

function ownDependency(specifier: string): string | undefined {
  try {
    return import.meta.resolve(specifier);
  } catch {
    return undefined;
  }
}

function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
