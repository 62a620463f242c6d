import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AlignflowError } from '../../../pipeline/errors.js';
import { lockOutput } from '../../../pipeline/run/lock.js';
import { makeFolder } from '../folder.js';

const never = (error: AlignflowError) => {
  throw error;
};

/** The process id of a process that is no more. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await once(child, 'exit');
  return child.pid!;
}

/** What a process that was killed leaves behind: a lock that is still fresh, and its name. */
function leftBehind(owner: object): string {
  const folder = makeFolder({ 'run.json': JSON.stringify(owner) });
  mkdirSync(join(folder, 'run.lock'));
  return folder;
}

describe('lockOutput', () => {
  it('makes the folder, names its owner, and leaves nothing', async () => {
    const folder = join(makeFolder({}), 'runs/emoji');
    const release = await lockOutput(folder, never);
    expect(JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'))).toMatchObject({ pid: process.pid });
    await release();
    expect(readdirSync(folder)).toEqual([]);
    await (await lockOutput(folder, never))();
  });

  it.skipIf(!existsSync('/proc/self'))('ends where nobody can make a folder', async () => {
    await expect(lockOutput('/proc/alignflow/runs', never)).rejects.toThrow('the file cannot be written: ENOENT');
    const file = join(makeFolder({ x: '' }), 'x');
    await expect(lockOutput(join(file, 'runs'), never)).rejects.toThrow('the file cannot be written: ENOTDIR');
    await expect(lockOutput(file, never)).rejects.toThrow('the file cannot be written: EEXIST');
  });

  it('refuses a second run with the process and the start of the first', async () => {
    const folder = makeFolder({});
    const release = await lockOutput(folder, never);
    await expect(lockOutput(folder, never)).rejects.toThrow(
      new RegExp(`the output folder is in use by process ${process.pid} on .*, started 2\\d\\d\\d-`),
    );
    await release();
  });

  it('takes the folder of a process that was killed at once', async () => {
    const folder = leftBehind({ pid: await deadPid(), host: hostname(), startedAt: 'then' });
    const release = await lockOutput(folder, never);
    await expect(lockOutput(folder, never)).rejects.toThrow(`process ${process.pid}`);
    await release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('gives the folder of a process that was killed to one of those that want it', async () => {
    const folder = leftBehind({ pid: await deadPid(), host: hostname(), startedAt: 'then' });
    const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => lockOutput(folder, never)));
    const taken = outcomes.filter((outcome) => outcome.status === 'fulfilled');
    expect(taken).toHaveLength(1);
    await taken[0]!.value();
  });

  it('waits for the sign of life of a process of another machine, or without a name', async () => {
    const pid = await deadPid();
    const other = leftBehind({ pid, host: `not-${hostname()}`, startedAt: 'then' });
    await expect(lockOutput(other, never)).rejects.toThrow('in use by process');
    const nameless = makeFolder({});
    mkdirSync(join(nameless, 'run.lock'));
    await expect(lockOutput(nameless, never)).rejects.toThrow('in use by another process');
    const old = new Date(Date.now() - 20_000);
    utimesSync(join(nameless, 'run.lock'), old, old);
    await (await lockOutput(nameless, never))();
  });

  it('says what stands against the folder', async () => {
    const folder = makeFolder({ file: '' });
    await expect(lockOutput(join(folder, 'file/runs'), never)).rejects.toThrow(
      /runs: the file cannot be written: ENOTDIR/,
    );
  });

  it('tells a run that its folder was taken', async () => {
    const folder = makeFolder({});
    let lost: AlignflowError | undefined;
    const release = await lockOutput(folder, (error) => {
      lost = error;
    });
    // Another process thinks that this one is dead, and locks the folder anew.
    const soon = new Date(Date.now() + 60_000);
    utimesSync(join(folder, 'run.lock'), soon, soon);
    for (let i = 0; i < 100 && lost === undefined; i++) await new Promise((resolve) => setTimeout(resolve, 100));
    expect(lost?.message).toContain('another process has taken the output folder');
    writeFileSync(join(folder, 'run.json'), 'of the other');
    await release();
    expect(readFileSync(join(folder, 'run.json'), 'utf8')).toBe('of the other');
  }, 20_000);
});
