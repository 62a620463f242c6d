import { nearestName } from '../manifest/nearest.js';
import type { Located } from '../manifest/position.js';
import type { Report } from '../manifest/problem.js';
import { builtInEntries } from './built-in.js';
import type { CatalogEntry, Kind } from './entry.js';
import { sourceFiles } from './folders.js';
import { sourceCache } from './source-cache.js';

/** All operators and stages that a manifest may name. */
export interface Catalog {
  /** By name, sorted. */
  readonly entries: ReadonlyMap<string, CatalogEntry>;
  /** The entries of one kind. */
  ofKind(kind: Kind): readonly CatalogEntry[];
  /** The nearest name of one kind (of any, where none is given) to an unknown one. */
  nearest(name: string, kind?: Kind): string | undefined;
}

/**
 * The catalog of alignflow's own operators and stages and of those in the user's folders. The folders are read, never
 * executed; files that cannot be read and names that are there twice are reported.
 */
export async function openCatalog(folders: readonly Located<string>[], report: Report): Promise<Catalog> {
  const own = await builtInEntries();
  const files = new Set(folders.flatMap(({ value }) => sourceFiles(value, report)));
  const users = files.size === 0 ? [] : await scanUserFiles([...files], report);
  const entries = new Map<string, CatalogEntry>();
  for (const entry of [...own, ...users]) {
    const other = entries.get(entry.name);
    if (other === undefined) entries.set(entry.name, entry);
    else
      report({
        code: 'operators',
        message: `two files define ${entry.name}: ${entry.file} and ${other.builtIn ? 'alignflow itself' : other.file}`,
        at: { file: entry.file, line: entry.line, column: 1, length: 1, text: '' },
        fix: 'give one of them another name',
      });
  }
  return makeCatalog([...entries.values()]);
}

/** What users' files define. A scan without problems is kept: checking again loads no parser of TypeScript. */
async function scanUserFiles(files: readonly string[], report: Report): Promise<readonly CatalogEntry[]> {
  const cache = sourceCache<readonly CatalogEntry[]>('catalog', files);
  const kept = cache.read();
  if (kept !== undefined) return kept;
  const { scanFiles } = await import('./scan.js');
  let right = true;
  const { entries, sources } = scanFiles(files, false, (problem) => {
    right = false;
    report(problem);
  });
  if (right) cache.keep(entries, sources);
  return entries;
}

function makeCatalog(list: readonly CatalogEntry[]): Catalog {
  const sorted = [...list].sort((left, right) => (left.name < right.name ? -1 : 1));
  const ofKind = (kind: Kind) => sorted.filter((entry) => entry.kind === kind);
  return {
    entries: new Map(sorted.map((entry) => [entry.name, entry])),
    ofKind,
    nearest: (name, kind) =>
      nearestName(
        name,
        (kind === undefined ? sorted : ofKind(kind)).map((entry) => entry.name),
      ),
  };
}
