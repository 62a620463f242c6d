import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import type { SourceContext } from 'alignflow';
import { type Header, pack } from 'tar-stream';
import { onTestFinished } from 'vitest';
import type { NpmPackage } from '../../../manifests/emoji/operators/packages.js';

/** A temporary folder that goes when the test has ended. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'alignflow-emoji-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

type TarEntry = Pick<Header, 'name'> & Partial<Header> & { readonly bytes?: string | Buffer };

/** The bytes of a tar; an entry is a file unless its header says otherwise. */
export async function tar(...entries: readonly TarEntry[]): Promise<Buffer> {
  const stream = pack();
  for (const { bytes = '', ...header } of entries) stream.entry(header, bytes);
  stream.finalize();
  return buffer(stream);
}

/** The context of a source, and what it noted. */
export function sourceContext(cache: string, signal: SourceContext['signal'] = new AbortController().signal) {
  const notes: string[] = [];
  const context: SourceContext = {
    stage: 'pairs',
    base: '.',
    seed: 1,
    signal,
    cache,
    note: (line) => notes.push(line),
    reserve: () => undefined,
    drop: () => {
      throw new Error('nothing is dropped here');
    },
  };
  return { context, notes };
}

/** The `npm` of a test: it copies what the test published, fails for the rest, and hangs for a package `never`. */
const fakeNpm = (published: string) => `#!${process.execPath}
const { appendFileSync, copyFileSync, existsSync } = require('node:fs');
const { join } = require('node:path');
const [command, name, , folder] = process.argv.slice(2);
const file = name.replace('@', '-') + '.tgz';
appendFileSync(join(${JSON.stringify(published)}, 'log'), [command, name].join(' ') + '\\n');
if (name.startsWith('never@')) setInterval(() => {}, 1000);
else if (existsSync(join(${JSON.stringify(published)}, file))) copyFileSync(join(${JSON.stringify(published)}, file), join(folder, file));
else { console.error('npm error code ETARGET'); process.exit(1); }
`;

/** Puts an `npm` of its own first in PATH until the test has ended. */
export async function fakeRegistry() {
  const folder = await temporaryFolder();
  const programs = join(folder, 'bin');
  await mkdir(programs);
  await writeFile(join(programs, 'npm'), fakeNpm(folder));
  await chmod(join(programs, 'npm'), 0o755);
  const { PATH } = process.env;
  process.env.PATH = `${programs}${delimiter}${PATH}`;
  onTestFinished(() => {
    process.env.PATH = PATH;
  });
  return {
    /** Publishes a tarball, and pins it. */
    async publish(name: string, tarball: Buffer): Promise<NpmPackage> {
      await writeFile(join(folder, `${name}-1.0.0.tgz`), tarball);
      const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
      return { name, version: '1.0.0', integrity, megabytes: 1, wanted: /^package\/[a-z]+\.txt$/ };
    },
    /** What npm was asked for so far. */
    log: async () => (await readFile(join(folder, 'log'), 'utf8').catch(() => '')).trim().split('\n'),
  };
}

/** A small package of text files. */
export async function textPackage(texts: Readonly<Record<string, string>>): Promise<Buffer> {
  return gzipSync(await tar(...Object.entries(texts).map(([name, bytes]) => ({ name: `package/${name}`, bytes }))));
}
