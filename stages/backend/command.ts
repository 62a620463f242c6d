import { spawn } from 'node:child_process';
import { reasonOf } from '../../pipeline/errors.js';

/** How a program ended. */
export interface Ended {
  /** Whether it ended by itself with exit code 0. */
  readonly ok: boolean;
  /** What it wrote to standard output and standard error, the last 64 KiB. */
  readonly output: string;
}

/** The end of an output is where its error is; more is not worth keeping. */
const keptCharacters = 65_536;

/** Runs a program without a shell and waits for its end. Never throws: a program that is not there has not ended well. */
export function runCommand(
  program: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Ended> {
  return new Promise((resolve) => {
    let output = '';
    const keep = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-keptCharacters);
    };
    const child = spawn(program, args, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', (error) => resolve({ ok: false, output: reasonOf(error) }));
    child.once('close', (code, signal) =>
      resolve({ ok: code === 0, output: signal === null ? output : `${output}\nended by ${signal}` }),
    );
  });
}

/** The last lines of an output that say something, for a message. */
export function lastLines(output: string, count = 4): string {
  return output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(-count)
    .join('\n    ');
}

/** Whether an output or an error says that a disk is full. */
export function saysDiskFull(text: string): boolean {
  return /ENOSPC|EDQUOT|no space left on device|disk quota exceeded/i.test(text);
}

/** What to do where a disk is full. */
export const howToGetRoom =
  'free some space on that disk, or set ALIGNFLOW_CACHE to a folder on another one, then run `alignflow setup` again';
