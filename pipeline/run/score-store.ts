/** Scores that were computed before, kept on disk across runs and shared by processes and threads. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Database, RootDatabase } from 'lmdb';
import { cacheFolder } from '../cache-folder.js';
import { makeFolder } from '../make-folder.js';

/** Finds and keeps scores of one scorer with one set of options. */
export interface ScoreTable {
  /** The score of this content, null for content that has none; undefined where it is not known. */
  get(content: Uint8Array): number | null | undefined;
  put(content: Uint8Array, score: number | null): void;
  /** Resolves when all that was put is kept. */
  settled(): Promise<void>;
}

/** Opens tables of scores, by the scorer's identity. */
export interface ScoreStore {
  table(identity: string): Promise<ScoreTable>;
}

/**
 * The scores in `scores` of the cache folder: an LMDB, which many processes may read and write at once and which outlives `kill -9`.
 * Where it cannot be opened (a full disk, a folder that may not be written, a damaged file), nothing is known and nothing kept.
 *
 * @param code hash of the sources of a user's operator, of which each change has scores of its own: who edits a scorer expects
 *   other scores, and may forget its version. What alignflow brings along is known by its version alone.
 */
export function scoresOf(code: string | undefined): ScoreStore {
  return {
    async table(identity) {
      const name = code === undefined ? identity : createHash('sha256').update(`${identity} ${code}`).digest('hex');
      try {
        opened ??= openStore();
        return tableOf((await opened).openDB({ name, encoding: 'binary', keyEncoding: 'binary' }));
      } catch {
        opened = undefined;
        return NO_SCORES;
      }
    },
  };
}

let opened: Promise<RootDatabase<Buffer, Buffer>> | undefined;

/** Scorers and options that there may be scores of. */
const TABLES = 4096;
/** Bytes of a score: a Float32, not a number for none. */
const BYTES = 4;

async function openStore(): Promise<RootDatabase<Buffer, Buffer>> {
  const path = join(cacheFolder(), 'scores');
  makeFolder(path);
  const { open } = await import('lmdb');
  return open({ path, maxDbs: TABLES, encoding: 'binary', keyEncoding: 'binary' });
}

function tableOf(database: Database<Buffer, Buffer>): ScoreTable {
  let last: Promise<unknown> = Promise.resolve();
  /** Scores that the database does not show yet: it writes when it comes to it. */
  const underWay = new Map<string, number | null>();
  return {
    get(content) {
      const waiting = underWay.get(keyOf(content));
      if (waiting !== undefined) return waiting;
      const bytes = database.get(Buffer.from(content.buffer, content.byteOffset, content.byteLength));
      if (bytes?.length !== BYTES) return undefined;
      const score = bytes.readFloatLE();
      return Number.isNaN(score) ? null : score;
    },
    put(content, score) {
      const bytes = Buffer.alloc(BYTES);
      bytes.writeFloatLE(score ?? Number.NaN);
      const key = keyOf(content);
      underWay.set(key, score);
      last = database
        .put(Buffer.from(content), bytes)
        .catch(() => undefined)
        .then(() => underWay.delete(key));
    },
    settled: async () => void (await last),
  };
}

function keyOf(content: Uint8Array): string {
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString('latin1');
}

const NO_SCORES: ScoreTable = { get: () => undefined, put: () => undefined, settled: async () => undefined };
