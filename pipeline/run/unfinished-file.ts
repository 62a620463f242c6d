import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeFailure } from './atomic-file.js';

/** A file that is written piece by piece and has its name only once it is whole. */
export interface UnfinishedFile {
  write(bytes: Uint8Array): Promise<void>;
  /** Brings what was written to the disk, and says how many bytes that is. */
  flush(): Promise<number>;
  /** Flushes it to the disk and gives it its name. */
  commit(): Promise<{ readonly bytes: number; readonly sha256: string }>;
  /** Removes what was written. */
  abort(): Promise<void>;
  /** Leaves what was written under its unfinished name, for `openUnfinishedFile` to go on with. */
  leave(): Promise<void>;
}

/**
 * Opens a file under an unfinished name beside its own. Throws an `AlignflowError` when the disk is full, and the like.
 * @param kept goes on with so many bytes of it, which a process that died had flushed; what it wrote behind them is cut off
 */
export async function openUnfinishedFile(path: string, kept = 0): Promise<UnfinishedFile> {
  const unfinished = `${path}.tmp`;
  const hash = createHash('sha256');
  let bytes = kept;
  const checked = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw writeFailure(path, error);
    }
  };
  const goOn = async (): Promise<FileHandle> => {
    // It may have been finished, and begins as it did then.
    await rename(path, unfinished).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    await truncate(unfinished, kept);
    for await (const part of createReadStream(unfinished) as AsyncIterable<Buffer>) hash.update(part);
    return open(unfinished, 'a');
  };
  const file = await checked(() => (kept === 0 ? open(unfinished, 'w') : goOn()));
  return {
    flush: () =>
      checked(async () => {
        await file.sync();
        return bytes;
      }),
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
    leave: () => file.close(),
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
