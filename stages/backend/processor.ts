import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { runCommand } from './command.js';

/** The processor, as far as it decides how fast a tensor backend is. */
export interface Processor {
  /** Its name; empty where the system does not tell. */
  readonly model: string;
  /** Names of `instructionSets` that it has. */
  readonly has: readonly string[];
  /** Names of `instructionSets` for its architecture that it lacks. */
  readonly lacks: readonly string[];
}

/** Instruction sets that matrix products profit from, by architecture: the name people use, and the system's flag for it. */
const instructionSets: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  x64: {
    AVX2: 'avx2',
    FMA: 'fma',
    'AVX-512': 'avx512f',
    'AVX-512 VNNI': 'avx512_vnni',
    'AVX-512 bf16': 'avx512_bf16',
    'AMX bf16': 'amx_bf16',
    'AMX int8': 'amx_int8',
  },
  arm64: { NEON: 'asimd', SVE: 'sve', bf16: 'bf16', i8mm: 'i8mm' },
};

/** The processor that this process runs on. */
export async function thisProcessor(): Promise<Processor> {
  return { model: cpus()[0]?.model.trim() ?? '', ...compareFlags(await readFlags(), process.arch) };
}

/** Which instruction sets a list of flags stands for. */
export function compareFlags(flags: ReadonlySet<string>, arch: string): Pick<Processor, 'has' | 'lacks'> {
  const known = Object.entries(instructionSets[arch] ?? {});
  const names = (present: boolean) => known.filter(([, flag]) => flags.has(flag) === present).map(([name]) => name);
  return { has: names(true), lacks: names(false) };
}

/** The flags in a text like Linux's `/proc/cpuinfo`, from the first processor in it. */
export function flagsOfCpuinfo(text: string): Set<string> {
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(text)?.[1] ?? '';
  return new Set(line.trim().split(/\s+/));
}

/** The flags in the output of macOS's `sysctl hw.optional`, under the names that Linux has for them. */
export function flagsOfSysctl(text: string): Set<string> {
  const present = [...text.matchAll(/^hw\.optional\.(?:arm\.FEAT_)?(\w+): 1$/gm)].map(([, name = '']) =>
    name.toLowerCase(),
  );
  return new Set(present.map((name) => (name === 'advsimd' || name === 'neon' ? 'asimd' : name)));
}

async function readFlags(): Promise<Set<string>> {
  if (process.platform === 'darwin') return flagsOfSysctl((await runCommand('sysctl', ['hw.optional'])).output);
  try {
    return flagsOfCpuinfo(readFileSync('/proc/cpuinfo', 'utf8'));
  } catch {
    return new Set(); // No such file on this system: then nothing is known, and all sets count as lacking.
  }
}
