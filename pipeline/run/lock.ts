import { readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import lockfile from 'proper-lockfile';
import { AlignflowError } from '../errors.js';
import { makeFolder } from '../make-folder.js';
import { writeFailure, writeWhole } from './atomic-file.js';

/** Who holds an output folder: the content of `run.json`. */
export interface Owner {
  readonly pid: number;
  readonly host: string;
  /** ISO 8601. */
  readonly startedAt: string;
}

const OWNER = 'run.json';
const LOCK = 'run.lock';
/** Milliseconds after which the lock of a process that shows no sign of life is free. */
const STALE = 15_000;

/**
 * Takes an output folder for this run; the returned function gives it back. A second run on the same folder is refused
 * with the first one's process id and start time. The folder of a process that was killed is free at once on the machine
 * that it ran on, and after 15 seconds for others.
 *
 * @param lost called with what happened when another process takes the folder, as it may if this one stood still for long
 */
export async function lockOutput(output: string, lost: (error: AlignflowError) => void): Promise<() => Promise<void>> {
  try {
    makeFolder(output);
  } catch (error) {
    throw writeFailure(output, error);
  }
  const taken = () => lost(takenAway(output));
  const release = (await tryLock(output, taken)) ?? (await takeOver(output, taken));
  if (release === undefined) throw inUse(output, await readOwner(output));
  return release;
}

/** Locks the folder and says who did; undefined when another process holds it. */
async function tryLock(output: string, taken: () => void): Promise<(() => Promise<void>) | undefined> {
  const lockfilePath = join(output, LOCK);
  let mine = true;
  const onCompromised = () => {
    mine = false;
    taken();
  };
  let release: () => Promise<void>;
  try {
    release = await lockfile.lock(output, { lockfilePath, stale: STALE, update: STALE / 3, onCompromised });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ELOCKED') return undefined;
    throw writeFailure(lockfilePath, error);
  }
  const owner: Owner = { pid: process.pid, host: hostname(), startedAt: new Date().toISOString() };
  try {
    await writeWhole(join(output, OWNER), JSON.stringify(owner));
  } catch (error) {
    await release();
    throw error;
  }
  return async () => {
    if (!mine) return;
    await rm(join(output, OWNER), { force: true });
    await release();
  };
}

/**
 * Takes the folder of a process that is dead; undefined when it lives, or cannot be known. One process at a time does this,
 * and the dead one's name goes before its lock, so that nobody takes a new lock for the old one.
 */
async function takeOver(output: string, taken: () => void): Promise<(() => Promise<void>) | undefined> {
  let done: () => Promise<void>;
  try {
    done = await lockfile.lock(join(output, 'run.takeover'), { realpath: false, stale: STALE });
  } catch {
    return undefined;
  }
  try {
    const owner = await readOwner(output);
    if (owner === undefined || owner.host !== hostname() || isAlive(owner.pid)) return undefined;
    await rm(join(output, OWNER), { force: true });
    await rm(join(output, LOCK), { recursive: true, force: true });
    return await tryLock(output, taken);
  } finally {
    await done();
  }
}

/**
 * The run that has taken an output folder and not given it back, and whether it is still at work there or was killed; undefined
 * where there is none.
 */
export async function ownerOf(output: string): Promise<(Owner & { readonly atWork: boolean }) | undefined> {
  const owner = await readOwner(output);
  if (owner === undefined) return undefined;
  const isLocked = await lockfile.check(output, { lockfilePath: join(output, LOCK), stale: STALE }).catch(() => false);
  return { ...owner, atWork: isLocked && (owner.host !== hostname() || isAlive(owner.pid)) };
}

async function readOwner(output: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(join(output, OWNER), 'utf8')) as Owner;
  } catch {
    return undefined;
  }
}

/** Whether a process of this machine runs. One of another user does, and may not be asked. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function inUse(output: string, owner: Owner | undefined): AlignflowError {
  const first =
    owner === undefined ? 'another process' : `process ${owner.pid} on ${owner.host}, started ${owner.startedAt}`;
  return new AlignflowError({
    what: `the output folder is in use by ${first}`,
    where: { file: output },
    fix: 'wait for it, or set another `output`; after a crash the folder is free again in 15 seconds',
  });
}

function takenAway(output: string): AlignflowError {
  return new AlignflowError({
    what: 'another process has taken the output folder',
    where: { file: output },
    expected: 'this process alone in it: it gives a sign of life every 5 seconds, unless it is stopped',
    fix: 'start again when the other run has ended',
  });
}
