import { createHash } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeFailure } from './atomic-file.js';

/** A file that is written piece by piece and has its name only once it is whole. */
export interface UnfinishedFile {
  write(bytes: Uint8Array): Promise<void>;
  /** Flushes it to the disk and gives it its name. */
  commit(): Promise<{ readonly bytes: number; readonly sha256: string }>;
  /** Removes what was written. */
  abort(): Promise<void>;
}

/** Opens a file under an unfinished name beside its own. Throws an `AlignflowError` when the disk is full, and the like. */
export async function openUnfinishedFile(path: string): Promise<UnfinishedFile> {
  const unfinished = `${path}.tmp`;
  const hash = createHash('sha256');
  let bytes = 0;
  const checked = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw writeFailure(path, error);
    }
  };
  const file = await checked(() => open(unfinished, 'w'));
  return {
    write: (part) =>
      checked(async () => {
        hash.update(part);
        for (let done = 0; done < part.length; ) {
          done += (await file.write(part, done, part.length - done)).bytesWritten;
        }
        bytes += part.length;
      }),
    commit: () =>
      checked(async () => {
        await file.sync();
        await file.close();
        await rename(unfinished, path);
        await syncFolder(dirname(path));
        return { bytes, sha256: hash.digest('hex') };
      }),
    async abort() {
      await file.close().catch(() => undefined);
      await rm(unfinished, { force: true });
    },
  };
}

/** Makes a rename outlast a loss of power. Not every file system can, and those that cannot say so. */
async function syncFolder(path: string): Promise<void> {
  let folder: FileHandle | undefined;
  try {
    folder = await open(path, 'r');
    await folder.sync();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EINVAL' && code !== 'EPERM' && code !== 'EISDIR' && code !== 'EACCES') throw error;
  } finally {
    await folder?.close();
  }
}
