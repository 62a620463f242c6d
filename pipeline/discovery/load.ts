import { existsSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { AlignflowError, reasonOf, type Where } from '../errors.js';
import type { Operator } from '../operator.js';
import type { Sink } from '../sink.js';
import type { Source } from '../source.js';
import type { Stage } from '../stage.js';
import type { Compiled } from './compile.js';
import type { CatalogEntry } from './entry.js';
import { packageVersion } from './package.js';
import { sourceCache } from './source-cache.js';

/** Options of an operator or a stage: defaults filled in, checked against its schema, units turned into numbers. */
export type Options = Readonly<Record<string, unknown>>;

/** What a catalogued file exports. */
export type Definition = Operator<Options> | Source<Options> | Sink<Options> | Stage<Options>;

/** A definition with the version that its results depend on: a hash of a user's sources, alignflow's own otherwise. */
export interface Loaded {
  readonly definition: Definition;
  readonly version: string;
  /** URL of the module whose default export it is: another thread imports it from there. */
  readonly module: string;
}

/**
 * Loads what a catalogued file defines. A built-in is imported as it is; a user's file is compiled into the cache first.
 * Whatever is wrong with a user's file is an `AlignflowError` with its line.
 */
export async function loadDefinition(entry: CatalogEntry): Promise<Loaded> {
  if (entry.builtIn) {
    const module = pathToFileURL(entry.file).href;
    return { definition: checkExport(await importModule(module), entry), version: packageVersion, module };
  }
  const compiled = await compile(entry.file);
  const { url: module, version } = compiled;
  try {
    return { definition: checkExport(await importModule(module), entry), version, module };
  } catch (error) {
    if (error instanceof AlignflowError) throw error;
    throw new AlignflowError({
      what: `loading it fails: ${reasonOf(error)}`,
      where: throwPlace(error, compiled) ?? { file: entry.file, line: entry.line },
      cause: error,
    });
  }
}

/** A user's file, compiled: as it was kept, where none of its sources has changed and all that it needs is there. */
async function compile(file: string): Promise<Compiled> {
  const cache = sourceCache<Compiled>('compiled', [file]);
  const kept = cache.read();
  const needed = kept && [...kept.modules.map(({ path }) => path), ...kept.imported];
  if (needed?.every((path) => existsSync(path))) return kept!;
  const { compileFile } = await import('./compile.js');
  const compiled = compileFile(file);
  cache.keep(
    compiled,
    compiled.modules.map(({ source }) => source),
  );
  return compiled;
}

async function importModule(url: string): Promise<unknown> {
  const module = (await import(/* @vite-ignore */ url)) as { readonly default?: unknown };
  return module.default;
}

/** The one place where a module's export, unknown to the compiler, is taken for what the catalog says of it. */
function checkExport(exported: unknown, entry: CatalogEntry): Definition {
  const found = (typeof exported === 'object' && exported !== null ? exported : {}) as Partial<Definition>;
  if (found.kind === entry.kind && found.name === entry.name) return found as Definition;
  const what = found.kind === undefined ? 'something else' : `the ${found.kind} ${found.name}`;
  throw new AlignflowError({
    what: `the default export is ${what}`,
    where: { file: entry.file, line: entry.line },
    expected: `the ${entry.kind} ${entry.name}`,
  });
}

/** The place in a user's source that threw: the first line of the stack in a compiled file, through its source map. */
function throwPlace(error: unknown, compiled: Compiled): Where | undefined {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  for (const [, path = '', line = '1', column = '1'] of stack.matchAll(
    /((?:file:\/\/)?\/[^\s()]+?):(\d+)(?::(\d+))?/g,
  )) {
    const file = path.startsWith('file:') ? fileURLToPath(path) : path;
    const module = compiled.modules.find((one) => one.path === file);
    if (module === undefined) continue;
    const map = new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8')));
    const entry = map.findEntry(Number(line) - 1, Number(column) - 1);
    if (!('originalLine' in entry)) return { file: module.source, line: 1 };
    return { file: module.source, line: entry.originalLine + 1, column: entry.originalColumn + 1 };
  }
  return undefined;
}
