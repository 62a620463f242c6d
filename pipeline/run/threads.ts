/** The modules of alignflow's threads. They are there in the compiled package, not among its sources. */
export interface Threads {
  /** Reads the endless rows of training, beside the steps. */
  readonly rows: URL;
  /** Works on batches for heavy operators. */
  readonly pool: URL;
}

/** For `RunOptions.threads`. */
export const threads: Threads = {
  rows: new URL('./rows-worker.js', import.meta.url),
  pool: new URL('../pool/pool-worker.js', import.meta.url),
};
