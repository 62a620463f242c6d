import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { AlignflowError, reasonOf } from '../../pipeline/errors.js';
import { howToGetRoom, saysDiskFull } from './command.js';
import type { Wheel } from './lock.js';
import type { SetupReport } from './setup-event.js';

/** What is unpacked of a zip file: a path that ends in `/` stands for everything under it. */
export type Members = Pick<Wheel, 'members' | 'unpackedBytes'>;

/**
 * Unpacks some members of a wheel (a zip file) into a folder, as plain files.
 * Nothing outside the folder is ever written: yauzl refuses a zip file with an absolute name or a `..` in a name.
 * Throws `AlignflowError` then, and when the file is damaged, a wanted member is missing, or all are larger than announced.
 */
export async function unpack(file: string, wheel: Members, folder: string, report: SetupReport): Promise<void> {
  const missing = new Set(wheel.members);
  let zip: ZipFile | undefined;
  let done = 0;
  try {
    zip = await openPromise(file, { autoClose: false, lazyEntries: true });
    for await (const entry of zip.eachEntry()) {
      const member = wheel.members.find((name) => isMember(entry.fileName, name));
      if (member === undefined) continue;
      if (done + entry.uncompressedSize > wheel.unpackedBytes) {
        throw new Error(`its members take more than ${wheel.unpackedBytes} bytes`);
      }
      const before = done;
      await writeEntry(zip, entry, join(folder, entry.fileName), (bytes) => {
        done = before + bytes;
        report({ step: 'unpack', name: file, done, total: wheel.unpackedBytes });
      });
      missing.delete(member);
    }
    if (missing.size > 0) throw new Error(`it lacks ${[...missing].join(', ')}`);
  } catch (error) {
    throw couldNotUnpack(file, error);
  } finally {
    zip?.close();
  }
}

function isMember(name: string, member: string): boolean {
  return member.endsWith('/') ? name.startsWith(member) && !name.endsWith('/') : name === member;
}

/** Writes one entry; programs (everything in a `bin/`) are made executable. */
async function writeEntry(zip: ZipFile, entry: Entry, target: string, report: (bytes: number) => void): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const content = await zip.openReadStreamPromise(entry);
  const count = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let bytes = 0;
    for await (const chunk of chunks) {
      bytes += chunk.length;
      report(bytes);
      yield chunk;
    }
  };
  const mode = target.includes('/bin/') ? 0o755 : 0o644;
  await pipeline(content, count, createWriteStream(target, { mode }));
}

function couldNotUnpack(file: string, error: unknown): AlignflowError {
  const reason = reasonOf(error);
  return new AlignflowError({
    what: `the wheel could not be unpacked: ${reason}`,
    where: { file },
    fix: saysDiskFull(reason) ? howToGetRoom : 'delete that file and run `alignflow setup` again',
    cause: error,
  });
}
