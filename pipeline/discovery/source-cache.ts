import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { cacheFolder } from '../cache-folder.js';
import { makeFolder } from '../make-folder.js';
import { codeRoot, packageVersion } from './package.js';
import { writeWholeSync } from './write-whole.js';

/** A value as it is kept, with the hash of each file that it was made of. */
interface Kept<T> {
  readonly sources: readonly (readonly [path: string, sha256: string | undefined])[];
  readonly value: T;
}

/** A place in the cache for a value that is made of source files, and holds as long as none of them has changed. */
export interface SourceCache<T> {
  /** The value, if it was kept and all its files are as they were. */
  read(): T | undefined;
  /** Keeps a value of plain data. A cache that cannot be written is no problem: the value is made anew then. */
  keep(value: T, sources: readonly string[]): void;
}

/** `kind` is what is kept, `of` the files that it is asked for. Other versions and places of alignflow have their own, its sources and what was built of them too. */
export function sourceCache<T>(kind: string, of: readonly string[]): SourceCache<T> {
  const id = sha256([packageVersion, codeRoot, ...of].join('\n')).slice(0, 32);
  const path = join(cacheFolder(), kind, `${id}.json`);
  return {
    read() {
      const kept = readKept<T>(path);
      const holds = kept?.sources.every(([source, hash]) => hash !== undefined && hashOf(source) === hash);
      return holds === true ? kept!.value : undefined;
    },
    keep(value, sources) {
      const text = JSON.stringify({ sources: sources.map((source) => [source, hashOf(source)]), value });
      // What JSON does not give back as it was is not kept: an infinite default, for one.
      if (isDeepStrictEqual((JSON.parse(text) as Kept<T>).value, value)) writeKept(path, text);
    },
  };
}

function readKept<T>(path: string): Kept<T> | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Kept<T>;
  } catch {
    return undefined; // Not there, or no JSON.
  }
}

function writeKept(path: string, text: string): void {
  try {
    makeFolder(dirname(path));
    writeWholeSync(path, text);
  } catch {
    return;
  }
}

/** The hash of a file's text; undefined for one that cannot be read. */
function hashOf(path: string): string | undefined {
  try {
    return sha256(readFileSync(path));
  } catch {
    return undefined;
  }
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
