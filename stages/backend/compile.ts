import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { AlignflowError } from '../../pipeline/errors.js';
import { howToGetRoom, lastLines, runCommand, saysDiskFull } from './command.js';
import { nodeApiVersion } from './lock.js';
import type { Tool } from './toolchain.js';

/** Flags that do not depend on the place. `NAPI_VERSION` fixes the functions of Node-API that the sources may see. */
export const compileFlags = ['-O2', '-std=c++17', '-fPIC', `-DNAPI_VERSION=${nodeApiVersion}`] as const;

/** What the addon is made from. */
export interface Sources {
  /** As `process.platform`. */
  readonly platform: string;
  /** Folder of the npm package `@tensorflow/tfjs-node-gpu`. */
  readonly tfjsNode: string;
  /** Folder that the wheels were unpacked into. */
  readonly unpacked: string;
  /** Libraries to link, paths in that folder. */
  readonly libraries: readonly string[];
  /** File to write. */
  readonly addon: string;
}

/** A shared library that Node can load. */
export interface ProgramSources {
  readonly platform: string;
  /** Folder that a failure names. */
  readonly folder: string;
  /** C++ files. */
  readonly sources: readonly string[];
  /** File to write. */
  readonly output: string;
  /** Further arguments: libraries, folders. */
  readonly more?: readonly string[];
}

function programArguments({ platform, sources, output, more = [] }: Omit<ProgramSources, 'folder'>): string[] {
  const nodeHeaders = dirname(createRequire(import.meta.url).resolve('node-api-headers/package.json'));
  return [
    ...compileFlags,
    ...(platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared', '-Wl,--no-as-needed']),
    `-I${join(nodeHeaders, 'include')}`,
    ...sources,
    ...more,
    '-o',
    output,
  ];
}

/**
 * The compiler's arguments. The libraries are found at run time by a path relative to the addon, so the folder may be
 * renamed. On Linux all of them are linked even where the addon calls none of their functions: that loads the CUDA
 * libraries together with the addon, and when TensorFlow asks for one by its name it gets the one that is loaded already.
 */
export function compileArguments({ platform, tfjsNode, unpacked, libraries, addon }: Sources): string[] {
  const origin = platform === 'darwin' ? '@loader_path' : '$ORIGIN';
  const folders = [...new Set(libraries.map((library) => dirname(library)))];
  return programArguments({
    platform,
    sources: ['tfjs_backend.cc', 'tfjs_binding.cc'].map((name) => join(tfjsNode, 'binding', name)),
    output: addon,
    more: [
      `-I${join(unpacked, 'tensorflow', 'include')}`,
      ...libraries.map((library) => join(unpacked, library)),
      ...folders.map((folder) => `-Wl,-rpath,${origin}/${folder}`),
    ],
  });
}

/** Compiles and links the addon. Throws `AlignflowError` with the compiler's last lines. */
export async function compile(compiler: Tool, sources: Sources): Promise<void> {
  await runCompiler(compiler, compileArguments(sources), sources.unpacked);
}

/** As `compile`, for a program that needs nothing of TensorFlow. */
export async function compileProgram(compiler: Tool, sources: ProgramSources): Promise<void> {
  await runCompiler(compiler, programArguments(sources), sources.folder);
}

async function runCompiler(compiler: Tool, compilerArguments: readonly string[], folder: string): Promise<void> {
  const { ok, output } = await runCommand(compiler.program, [...compiler.prefix, ...compilerArguments]);
  if (ok) return;
  throw new AlignflowError({
    what: `${compiler.program} could not compile TensorFlow's addon:\n    ${lastLines(output, 8)}`,
    where: { file: folder },
    expected: 'a C++17 compiler with its standard library',
    fix: saysDiskFull(output)
      ? howToGetRoom
      : 'name another compiler in CXX and run `alignflow setup` again, or set ALIGNFLOW_BACKEND=wasm to go on without',
  });
}
