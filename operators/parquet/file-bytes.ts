import { type FileHandle, open } from 'node:fs/promises';
import { AlignflowError, reasonOf, type Where } from '../../pipeline/errors.js';
import { parquetWasm } from './wasm.js';

/** More memory of the decoder than it has for any other reason than too many bytes. */
const LARGE = 2 ** 31;

/** Opens a file for reading. Whoever opens it closes it. Throws an `AlignflowError` for one that is missing or unreadable. */
export async function openFile(path: string, where: Where): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new AlignflowError({
      what: missing ? 'there is no such file' : `the file cannot be opened: ${reasonOf(error)}`,
      where,
      expected: 'a Parquet file',
      cause: error,
    });
  }
}

/** The bytes from `start` up to `end`. */
export async function readRange(handle: FileHandle, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - start);
  await readInto(handle, bytes, start);
  return bytes;
}

/** Fills `bytes` from a position on. */
export async function readInto(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, position + done);
    if (bytesRead === 0) throw new Error('the file ends too early: it was changed while it was read');
    done += bytesRead;
  }
}

/** Runs what decodes bytes of a file; whatever it throws, a trap of the decoder included, names the place. */
export async function decoding<T>(where: Where, decode: () => T | Promise<T>): Promise<T> {
  try {
    return await decode();
  } catch (error) {
    throw undecodable(where, error);
  }
}

function undecodable(where: Where, error: unknown): AlignflowError {
  if (error instanceof AlignflowError) return error;
  const trapped = error instanceof Error && error.name === 'RuntimeError';
  if (trapped && parquetWasm().wasmMemory().buffer.byteLength > LARGE)
    return new AlignflowError({
      what: 'decoding it takes more than the 4 GB of memory that the decoder can have',
      where,
      expected: 'row groups, pages and repeated values of less',
      fix: 'write the file with smaller row groups (`row_group_size=100` in pyarrow)',
      cause: error,
    });
  const reason = trapped ? 'its bytes cannot be decoded' : reasonOf(error);
  return new AlignflowError({
    what: `the file is damaged: ${reason}`,
    where,
    expected: 'a whole Parquet file',
    fix: 'fetch or write the file again',
    cause: error,
  });
}
