import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a folder and those that it lies in, where they are not there yet. Node's own `recursive` tries without end where a file
 * system lets nobody make folders and says that there is none (`/proc`).
 */
export function makeFolder(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (isFolder(path)) return;
    const around = dirname(path);
    if (code !== 'ENOENT' || around === path || isFolder(around)) throw error;
    makeFolder(around);
    makeFolder(path);
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
