import { existsSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { AlignflowError } from '../errors.js';
import type { Problem } from '../manifest/problem.js';
import type { CatalogEntry } from './entry.js';
import { sourceFiles } from './folders.js';
import { codeRoot, packageRoot, runsFromSource } from './package.js';

/** Where the build puts the catalog of alignflow's own operators and stages. */
export const CATALOG_FILE = join(packageRoot, 'dist', 'catalog.json');

/** alignflow's own operators and stages: scanned when it runs from source, from the generated catalog otherwise. */
export async function builtInEntries(): Promise<readonly CatalogEntry[]> {
  known ??= runsFromSource ? scanBuiltIns() : Promise.resolve(readCatalog());
  return known;
}

let known: Promise<readonly CatalogEntry[]> | undefined;

/** Scans the sources of `operators/` and `stages/` (its top level only: below are models and losses). */
export async function scanBuiltIns(): Promise<readonly CatalogEntry[]> {
  const { scanFiles } = await import('./scan.js');
  const problems: Problem[] = [];
  const report = (problem: Problem) => void problems.push(problem);
  const folders = [
    [join(packageRoot, 'operators'), true],
    [join(packageRoot, 'stages'), false],
  ] as const;
  const files = folders.flatMap(([folder, deep]) => (existsSync(folder) ? sourceFiles(folder, report, deep) : []));
  const { entries } = scanFiles(files, true, report);
  const [first] = problems;
  if (first !== undefined)
    throw new AlignflowError({
      what: first.message,
      where: { file: first.at.file, line: first.at.line, column: first.at.column },
      fix: 'mend this file: the catalog of alignflow itself cannot be made without it',
    });
  return [...entries].sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** The catalog as the build writes it: files relative to `dist`, compiled. The same sources give the same text. */
export function catalogText(entries: readonly CatalogEntry[]): string {
  const portable = entries.map((entry) => ({
    ...entry,
    file: relative(packageRoot, entry.file).split(sep).join('/').replace(/\.ts$/, '.js'),
  }));
  return `${JSON.stringify(portable, undefined, 2)}\n`;
}

function readCatalog(): readonly CatalogEntry[] {
  if (!existsSync(CATALOG_FILE))
    throw new AlignflowError({
      what: `there is no ${CATALOG_FILE}`,
      expected: 'the catalog of operators and stages, which the build writes',
      fix: 'install alignflow again, or run npm run build in its repository',
    });
  const entries = JSON.parse(readFileSync(CATALOG_FILE, 'utf8')) as CatalogEntry[];
  return entries.map((entry) => ({ ...entry, file: join(codeRoot, entry.file) }));
}
