import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** What a command took. */
export interface Measured {
  readonly seconds: number;
  /** The most memory that it had resident, or it and its children when they were looked at, four times a second; 0 where there is no /proc. */
  readonly peakBytes: number;
  /** What it wrote to standard output. */
  readonly output: string;
}

/** How a command is started. */
export interface CommandOptions {
  readonly folder: string;
  readonly environment?: NodeJS.ProcessEnv;
  /** Ends the command, and rejects, after so many seconds. */
  readonly timeout?: number;
}

/** Runs a command and measures it. Its standard error is this process's. Rejects when it fails. */
export function measureCommand(
  program: string,
  parts: readonly string[],
  { folder, environment, timeout }: CommandOptions,
): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn(program, parts, {
      cwd: folder,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
      ...(timeout === undefined ? {} : { timeout: timeout * 1000, killSignal: 'SIGKILL' as const }),
    });
    let output = '';
    let peakBytes = 0;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    const sampling = setInterval(() => {
      if (child.pid !== undefined) peakBytes = Math.max(peakBytes, residentBytes(child.pid));
    }, 250);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearInterval(sampling);
      const seconds = (performance.now() - began) / 1000;
      if (code === 0) resolve({ seconds, peakBytes, output });
      else
        reject(new Error(`${program} ${parts.join(' ')} ended with ${signal ?? code} after ${seconds.toFixed(0)} s`));
    });
  });
}

/** Resident memory of a process and all its descendants, or the most that the process by itself ever had. */
function residentBytes(root: number): number {
  const parents = new Map<number, { parent: number; bytes: number }>();
  let most = 0;
  for (const name of processNames()) {
    try {
      const status = readFileSync(`/proc/${name}/status`, 'utf8');
      const read = (key: string) => Number(new RegExp(`^${key}:\\s*(\\d+)`, 'm').exec(status)?.[1] ?? 0);
      if (Number(name) === root) most = read('VmHWM') * 1024;
      parents.set(Number(name), { parent: read('PPid'), bytes: read('VmRSS') * 1024 });
    } catch {
      // It has ended.
    }
  }
  const belongs = (id: number): boolean => id === root || (parents.has(id) && belongs(parents.get(id)!.parent));
  const now = [...parents].reduce((sum, [id, { bytes }]) => sum + (belongs(id) ? bytes : 0), 0);
  return Math.max(now, most);
}

function processNames(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}
