import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/**
 * The folder for what is fetched or built once and survives `npm ci`: `$ALIGNFLOW_CACHE`, or `$XDG_CACHE_HOME/alignflow`,
 * or `~/.cache/alignflow`. An absolute path; the folder may not exist yet.
 * A relative `$XDG_CACHE_HOME` is ignored, as the XDG base directory specification demands.
 */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const own = environment.ALIGNFLOW_CACHE;
  if (own !== undefined && own !== '') return resolve(own);
  const shared = environment.XDG_CACHE_HOME;
  if (shared !== undefined && isAbsolute(shared)) return join(shared, 'alignflow');
  return join(homedir(), '.cache', 'alignflow');
}
