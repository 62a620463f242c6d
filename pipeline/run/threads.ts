import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { codeRoot } from '../discovery/package.js';

/** The modules of alignflow's threads. They are there in the compiled package, not among its sources. */
export interface Threads {
  /** Reads the endless rows of training, beside the steps. */
  readonly rows: URL;
  /** Works on batches for heavy operators. */
  readonly pool: URL;
}

/** For `RunOptions.threads`. */
export const threads: Threads = {
  rows: pathToFileURL(join(codeRoot, 'pipeline/run/rows-worker.js')),
  pool: pathToFileURL(join(codeRoot, 'pipeline/pool/pool-worker.js')),
};
