/** How our own kernels (`kernels/`, C++) are compiled, for the processor that they will run on. */
import { readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { packageRoot } from '../../pipeline/discovery/package.js';
import { compileProgram } from './compile.js';
import { kernelsName } from './kernels.js';
import { flagsOfCpuinfo } from './processor.js';
import type { Tool } from './toolchain.js';

const folder = join(packageRoot, 'stages', 'backend', 'kernels');

/** Vectors are by hand, so what is left to the compiler is `a * b + c` in one instruction and a square root that sets no `errno`. */
const optimise = ['-O3', '-ffp-contract=fast', '-fno-math-errno', '-Wno-psabi'] as const;

/** Instruction sets by what a processor says of itself, the widest first. */
const avx2 = ['avx2', 'fma'];
const avx512 = ['avx512f', 'avx512bw', 'avx512dq', 'avx512vl', ...avx2];
const levels: readonly (readonly string[])[] = [[...avx512, 'avx512_bf16'], avx512, avx2];

/** The compiler's flags for an architecture: on x64 those of the widest level that this processor has. */
export function kernelFlags(arch: string, has: ReadonlySet<string> = processorFlags()): readonly string[] {
  const level = arch === 'x64' ? levels.find((sets) => sets.every((set) => has.has(set))) : undefined;
  return [...optimise, ...(level ?? []).map((set) => `-m${set.replace('_', '')}`)];
}

/** Everything that the kernels are made from, as one text. */
export function kernelSources(): string {
  return readdirSync(folder)
    .sort()
    .map((name) => `${name}\0${readFileSync(join(folder, name), 'utf8')}`)
    .join('\0');
}

/** What the kernels are compiled with and where they go. */
export interface KernelBuild {
  readonly platform: string;
  readonly arch: string;
  /** Folder that the wheels were unpacked into, and that the addon goes to. */
  readonly unpacked: string;
  /** TensorFlow's libraries, paths in that folder. */
  readonly libraries: readonly string[];
}

/** Compiles the kernels, a file beside another, and links them. Throws as `compileProgram` does. */
export async function compileKernels(
  compiler: Tool,
  { platform, arch, unpacked, libraries }: KernelBuild,
): Promise<void> {
  const own = libraries.filter((library) => basename(library).startsWith('libtensorflow'));
  const places = [...new Set(own.map((library) => dirname(library)))];
  const origin = platform === 'darwin' ? '@loader_path' : '$ORIGIN';
  const flags = [...kernelFlags(arch), `-I${join(unpacked, 'tensorflow', 'include')}`, '-pthread'];
  const objects = readdirSync(folder)
    .filter((name) => name.endsWith('.cc'))
    .map((name) => ({ source: join(folder, name), output: join(unpacked, `${name}.o`) }));
  await Promise.all(
    objects.map(({ source, output }) =>
      compileProgram(compiler, { platform, folder: unpacked, sources: [source], output, more: [...flags, '-c'] }),
    ),
  );
  await compileProgram(compiler, {
    platform,
    folder: unpacked,
    sources: objects.map(({ output }) => output),
    output: join(unpacked, kernelsName),
    more: [
      '-pthread',
      ...own.map((library) => join(unpacked, library)),
      ...places.map((place) => `-Wl,-rpath,${origin}/${place}`),
    ],
  });
  await Promise.all(objects.map(({ output }) => rm(output, { force: true })));
}

/** What Linux says of the processor; nothing elsewhere. */
function processorFlags(): Set<string> {
  try {
    return flagsOfCpuinfo(readFileSync('/proc/cpuinfo', 'utf8'));
  } catch {
    return new Set();
  }
}
