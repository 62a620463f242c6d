import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AlignflowError, reasonOf } from '../errors.js';
import { makeFolder } from '../make-folder.js';

/**
 * Writes a whole file or none: under another name first, flushed to the disk, then renamed. A reader never sees half of it.
 * Throws an `AlignflowError` when the disk is full or the folder cannot be written.
 */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const unfinished = `${path}.${randomUUID()}.tmp`;
  try {
    makeFolder(dirname(path));
    const file = await open(unfinished, 'w');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw writeFailure(path, error);
  }
}

/** The error for a file that could not be written, with what to do about the common causes. */
export function writeFailure(path: string, error: unknown): AlignflowError {
  if (error instanceof AlignflowError) return error;
  const code = (error as NodeJS.ErrnoException).code;
  const fix =
    code === 'ENOSPC' || code === 'EDQUOT'
      ? 'free some space, or set `output` to a folder on another disk, and start again: what is complete is kept'
      : code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
        ? 'make the folder writable, or set `output` to another'
        : undefined;
  const what =
    code === 'ENOSPC' || code === 'EDQUOT' ? 'the disk is full' : `the file cannot be written: ${reasonOf(error)}`;
  return new AlignflowError({ what, where: { file: path }, cause: error, ...(fix === undefined ? {} : { fix }) });
}
