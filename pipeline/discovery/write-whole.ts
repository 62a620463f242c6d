import { renameSync, writeFileSync } from 'node:fs';

/** Writes a file of the cache by rename: another process that starts at the same time sees the whole of it or none. */
export function writeWholeSync(path: string, text: string): void {
  const partial = `${path}.${process.pid}.partial`;
  writeFileSync(partial, text);
  renameSync(partial, path);
}
