import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import lockfile from 'proper-lockfile';
import { AlignflowError } from '../errors.js';
import { writeWhole } from './atomic-file.js';

/**
 * Takes an output folder for this run; the returned function gives it back. A second run on the same folder is refused
 * with the first one's process id and start time. The lock of a process that was killed goes stale after 15 seconds.
 */
export async function lockOutput(output: string): Promise<() => Promise<void>> {
  await mkdir(output, { recursive: true });
  const owner = join(output, 'run.json');
  let release: () => Promise<void>;
  try {
    release = await lockfile.lock(output, { lockfilePath: join(output, 'run.lock'), stale: 15_000, update: 5_000 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ELOCKED') throw error;
    const who = await readFile(owner, 'utf8').then(
      (text) => JSON.parse(text) as { pid: number; startedAt: string },
      () => undefined,
    );
    const first = who === undefined ? 'another process' : `process ${who.pid}, started ${who.startedAt}`;
    throw new AlignflowError({
      what: `the output folder is in use by ${first}`,
      where: { file: output },
      fix: 'wait for it, or set another `output`; after a crash the folder is free again in 15 seconds',
    });
  }
  await writeWhole(owner, JSON.stringify({ pid: process.pid, startedAt: new Date().toISOString() }));
  return async () => {
    await rm(owner, { force: true });
    await release();
  };
}
