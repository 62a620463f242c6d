import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { AlignflowError, type SourceContext } from 'alignflow';
import type { NpmPackage } from './packages.js';
import { type Entries, readEntries, writeEntries } from './tarball.js';

/**
 * The wanted entries of an npm package. The first time, npm itself fetches the tarball, so that the user's registry,
 * proxy and credentials are used; it is checked against the pinned hash, and the wanted entries are kept in the cache
 * as a small .tgz. From then on they are read from there. Any number of processes may do this at once.
 */
export async function openPackage(wanted: NpmPackage, context: SourceContext): Promise<Entries> {
  const file = keptFile(wanted, context.cache);
  const kept = await readEntries(file, wanted.wanted).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') context.note(`${file} is damaged (${error.message})`);
    return undefined;
  });
  if (kept !== undefined) return kept;

  context.note(`fetching ${wanted.name} ${wanted.version} from npm, ${wanted.megabytes} MB`);
  await mkdir(dirname(file), { recursive: true });
  // A folder of its own, and a file that is moved when it is whole: nobody ever sees half of one.
  const own = await mkdtemp(join(dirname(file), 'fetch-'));
  try {
    const tarball = await fetchTarball(wanted, own, context.signal);
    await checkIntegrity(tarball, wanted);
    const entries = await readEntries(tarball, wanted.wanted);
    await writeEntries(join(own, 'kept'), entries);
    await rename(join(own, 'kept'), file);
    context.note(`fetched ${wanted.name} ${wanted.version}; files kept: ${entries.size}`);
    return entries;
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

/** Where the wanted entries are kept. Other bytes or another choice of entries make another name. */
export function keptFile({ name, version, integrity, wanted }: NpmPackage, cache: string): string {
  const choice = createHash('sha256').update(`${integrity} ${wanted.source}`).digest('hex').slice(0, 12);
  return join(cache, 'npm', `${name}-${version}-${choice}.tgz`);
}

/** `npm pack` into a folder of its own; the path of the one file in it. */
async function fetchTarball({ name, version }: NpmPackage, folder: string, signal: AbortSignal): Promise<string> {
  const args = ['pack', `${name}@${version}`, '--pack-destination', folder, '--ignore-scripts', '--loglevel', 'error'];
  // On Windows npm is a batch file, which only a shell can start; the script behind it lies beside node.
  const [program, ...first] =
    process.platform === 'win32'
      ? [process.execPath, join(dirname(process.execPath), 'node_modules', 'npm', 'bin', 'npm-cli.js')]
      : ['npm'];
  const npm = spawn(program!, [...first, ...args], { signal, stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise<string | undefined>((resolve) => {
    npm.once('error', (error) => resolve(error.message));
    npm.once('close', (code) => resolve(code === 0 ? undefined : `npm ended with ${code}`));
  });
  const [said, failure] = await Promise.all([text(npm.stderr), ended]);
  signal.throwIfAborted();
  const [file] = await readdir(folder);
  if (failure === undefined && file !== undefined) return join(folder, file);
  throw new AlignflowError({
    what: `npm could not fetch ${name} ${version}: ${said.trim() || (failure ?? 'it wrote no file')}`,
    fix: 'check that `npm --version` works, the network, and `npm config get registry`; then start the run again',
  });
}

async function checkIntegrity(tarball: string, { name, version, integrity }: NpmPackage): Promise<void> {
  const hash = createHash('sha512');
  await pipeline(createReadStream(tarball), hash);
  const found = `sha512-${hash.digest('base64')}`;
  if (found === integrity) return;
  throw new AlignflowError({
    what: `${name} ${version} is not the package that this manifest was made for: ${found}`,
    expected: integrity,
    fix: 'the download is broken or the registry serves other files: try again, or compare `npm view` with packages.ts',
  });
}
