import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AlignflowError } from '../../pipeline/errors.js';
import { howToGetRoom, lastLines, runCommand, saysDiskFull } from './command.js';
import { folderSize } from './folder-size.js';
import type { Wheel } from './lock.js';
import type { SetupReport } from './setup-event.js';
import type { Tool } from './toolchain.js';

const partialPrefix = 'fetch-';

/** Whether a name in the folder is one in which a pip collects, and may be left of one that was killed. */
export function isPartial(name: string): boolean {
  return name.startsWith(partialPrefix);
}

/** How often the size of what pip has fetched so far is looked at. */
const pollMilliseconds = 500;

/**
 * Fetches a wheel with pip, from the index that the user has configured, and checks it against the lock.
 * A wheel that lies in `folder` already, whole, is taken as it is. Returns its path.
 * Throws `AlignflowError` when pip fails or the file is not the one of the lock.
 */
export async function fetchWheel(wheel: Wheel, folder: string, pip: Tool, report: SetupReport): Promise<string> {
  const target = join(folder, wheel.file);
  if ((await sha256(target)) === wheel.sha256) return target;
  // A folder for this process alone: a pip whose parent was killed may still be writing into the one before.
  const own = join(folder, `${partialPrefix}${process.pid}`);
  await mkdir(own, { recursive: true });
  report({ step: 'fetch', name: wheel.file, done: 0, total: wheel.bytes });
  const progress = setInterval(() => {
    void folderSize(own).then((done) =>
      report({ step: 'fetch', name: wheel.file, done: Math.min(done, wheel.bytes), total: wheel.bytes }),
    );
  }, pollMilliseconds);
  try {
    // pip collects the file in its temporary folder first, which on some systems is a small one in memory. It installs
    // nothing here, so a user's wish to install only into virtual environments does not matter.
    const { ok, output } = await runCommand(pip.program, [...pip.prefix, ...pipArguments(wheel, own)], {
      ...process.env,
      TMPDIR: own,
      PIP_REQUIRE_VIRTUALENV: '0',
    });
    if (!ok) throw pipFailed(wheel, output);
    const fetched = join(own, wheel.file);
    const found = await sha256(fetched);
    if (found !== wheel.sha256) throw await notTheLocked(wheel, fetched, found);
    await rename(fetched, target);
    return target;
  } finally {
    clearInterval(progress);
    await rm(own, { recursive: true, force: true });
  }
}

/** What pip is asked: exactly the file of the lock, whatever Python pip runs on. */
export function pipArguments(wheel: Wheel, folder: string): string[] {
  const tags = wheel.file.replace(/\.whl$/, '').split('-');
  const platform = tags[4]?.split('.')[0] ?? 'any';
  return [
    'download',
    `${wheel.project}==${wheel.version}`,
    ...['--no-deps', '--only-binary=:all:', '--implementation', 'cp', '--python-version', '3.11', '--abi', 'cp311'],
    ...['--abi', 'none', '--platform', platform, '--dest', folder],
    // The unpacked libraries are kept, so a second copy of the wheel in pip's own cache would be of no use.
    ...['--no-cache-dir', '--progress-bar', 'off', '--disable-pip-version-check', '--no-input'],
  ];
}

/** SHA-256 of a file, hexadecimal; `undefined` when there is no such file. */
async function sha256(path: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  return hash.digest('hex');
}

function pipFailed(wheel: Wheel, output: string): AlignflowError {
  return new AlignflowError({
    what: `pip could not fetch ${wheel.file}:\n    ${lastLines(output)}`,
    expected: `${wheel.project} ${wheel.version} on the package index that pip is configured for`,
    fix: saysDiskFull(output)
      ? howToGetRoom
      : 'check the network and `pip config list`, then run `alignflow setup` again, or set ALIGNFLOW_BACKEND=wasm to go on without',
  });
}

async function notTheLocked(wheel: Wheel, path: string, found: string | undefined): Promise<AlignflowError> {
  const size = await stat(path).then(
    (file) => `${file.size} bytes, SHA-256 ${found}`,
    () => 'no such file',
  );
  return new AlignflowError({
    what: `pip fetched something else than ${wheel.file}: ${size}`,
    expected: `${wheel.bytes} bytes, SHA-256 ${wheel.sha256}`,
    fix: 'run `alignflow setup` again; if it happens again, the package index that pip is configured for alters its files',
  });
}
