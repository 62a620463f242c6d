import { existsSync, readFileSync } from 'node:fs';
import { dirname, extname, join, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { AlignflowError } from '../errors.js';

const here = fileURLToPath(import.meta.url);

/** True where alignflow runs from its TypeScript sources (under vitest), false from compiled JavaScript. */
export const runsFromSource = extname(here) === '.ts';

/** The folder of alignflow's package.json. */
export const packageRoot = findRoot(dirname(here));

/**
 * The folder that `pipeline/`, `operators/` and `stages/` are in, as they run: the package itself from source, `dist` in a
 * program that imports alignflow, and `dist/command` in the command, whose modules are bundled with what they share with
 * users' files (`rolldown.config.ts`).
 */
export const codeRoot = findCode();

interface PackageJson {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
}

const packageJson = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as PackageJson;

/** alignflow's own version. */
export const packageVersion = packageJson.version;

/** The URL of one of alignflow's public modules (`alignflow`, `alignflow/operators`), as this process has it loaded. */
export function ownModule(specifier: string): string | undefined {
  const target = packageJson.exports[`.${specifier.slice(packageJson.name.length)}`];
  if (target === undefined || typeof target === 'string') return undefined;
  const path = target.default.replace(/^\.\/dist\//, '');
  return pathToFileURL(join(codeRoot, runsFromSource ? path.replace(/\.js$/, '.ts') : path)).href;
}

/** The URL of another package's module that is bundled with alignflow's own in this process. */
export function bundledModule(specifier: string): string | undefined {
  const path = join(codeRoot, `${specifier}.js`);
  return existsSync(path) ? pathToFileURL(path).href : undefined;
}

/** True for `alignflow` and everything below it. */
export function isOwnSpecifier(specifier: string): boolean {
  return specifier === packageJson.name || specifier.startsWith(`${packageJson.name}/`);
}

function findCode(): string {
  if (runsFromSource) return packageRoot;
  const dist = join(packageRoot, 'dist');
  const command = join(dist, 'command');
  return here.startsWith(command + sep) ? command : dist;
}

function findRoot(start: string): string {
  for (let folder = start; ; folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (existsSync(file) && (JSON.parse(readFileSync(file, 'utf8')) as { name?: string }).name === 'alignflow')
      return folder;
    if (folder === dirname(folder))
      throw new AlignflowError({ what: 'alignflow cannot find its own package.json', fix: 'install alignflow again' });
  }
}
