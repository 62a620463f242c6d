import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

/** Where and on what a benchmark ran: what a figure means nothing without. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryBytes: number;
  /** Those of AVX2, AVX-512 and bf16 that the processor has. */
  readonly instructions: readonly string[];
  readonly node: string;
  /** Short hash, with `+` when there are changes that are not committed. */
  readonly commit: string;
  /** ISO 8601 day. */
  readonly date: string;
}

/** Flags of /proc/cpuinfo that decide how fast matrix products can be. */
const FLAGS = ['avx2', 'avx512f', 'avx512_vnni', 'avx512_bf16', 'amx_bf16'];

/** This machine, and the commit that is checked out in `folder`. */
export function describeMachine(folder: string): Machine {
  const [first] = cpus();
  const git = (...parts: string[]) => execFileSync('git', parts, { cwd: folder, encoding: 'utf8' }).trim();
  const changed = git('status', '--porcelain', '--untracked-files=no') !== '';
  return {
    processor: first?.model.trim() ?? 'unknown processor',
    cores: cpus().length,
    memoryBytes: totalmem(),
    instructions: FLAGS.filter((flag) => processorFlags().has(flag)),
    node: process.versions.node,
    commit: git('rev-parse', '--short', 'HEAD') + (changed ? '+' : ''),
    date: new Date().toISOString().slice(0, 10),
  };
}

function processorFlags(): ReadonlySet<string> {
  try {
    const line = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
    return new Set(line.trim().split(/\s+/));
  } catch {
    return new Set();
  }
}
