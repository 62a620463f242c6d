import { createReadStream, createWriteStream } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { AlignflowError } from 'alignflow';
import { extract, pack } from 'tar-stream';

/** Contents of the entries of a tarball, by name. */
export type Entries = ReadonlyMap<string, Buffer>;

/** Most bytes of one entry, and of all together; the real packages have 2 MB and 14 MB. */
const limits = { entry: 4 << 20, total: 64 << 20 };
/** What an entry costs besides its bytes, so that millions of empty ones have an end too: its header. */
const headerBytes = 512;

/**
 * Reads the wanted entries of a .tgz into memory. Nothing is written to disk, so an entry's name can do no harm.
 * Throws where the file is cut off, is no .tgz, or holds more than is sane.
 */
export async function readEntries(file: string, wanted: RegExp): Promise<Entries> {
  const entries = new Map<string, Buffer>();
  const tar = extract();
  const pick = async () => {
    let total = 0;
    for await (const entry of tar) {
      const { name, type, size } = entry.header;
      if (type !== 'file' || !wanted.test(name)) {
        entry.resume();
        continue;
      }
      total += size + headerBytes;
      if (size > limits.entry || total > limits.total) {
        throw new AlignflowError({
          what: `entry ${name} is too large (${size} bytes; ${total} with those before it)`,
          where: { file },
          expected: `at most ${limits.entry} bytes in an entry and ${limits.total} in all`,
        });
      }
      entries.set(name, await buffer(entry));
    }
  };
  await Promise.all([pipeline(createReadStream(file), createGunzip(), tar), pick()]);
  return entries;
}

/** An entry that holds JSON. That its records have the fields of `T` is known from the package's pinned hash. */
export function readJson<T>(entries: Entries, name: string): T {
  const bytes = entries.get(name);
  if (bytes === undefined) throw new AlignflowError({ what: `the package has no ${name}` });
  return JSON.parse(bytes.toString()) as T;
}

/** Writes entries as a .tgz; the same entries give the same bytes. */
export async function writeEntries(file: string, entries: Entries): Promise<void> {
  const tar = pack();
  const written = pipeline(tar, createGzip({ level: 1 }), createWriteStream(file));
  for (const [name, bytes] of entries) tar.entry({ name, mtime: new Date(0) }, bytes);
  tar.finalize();
  await written;
}
