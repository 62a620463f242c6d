import { availableParallelism } from 'node:os';
import { version_core } from '@tensorflow/tfjs-core';
import { cacheFolder } from '../../pipeline/cache-folder.js';
import { folderSize } from './folder-size.js';
import { findGpus, usesGpu } from './gpu.js';
import { findInstallation } from './installation.js';
import { type Processor, thisProcessor } from './processor.js';
import { libraryInUse, type ProductLibrary } from './products.js';
import { type Backend, startBackend } from './start.js';
import { findCompiler, findPip, findPython, howToGetCompiler, howToGetPip } from './toolchain.js';
import { thisSystem, unsupported } from './wheels.js';

/** What `alignflow doctor` found. */
export interface Diagnosis {
  readonly backend: Pick<Backend, 'kind' | 'version' | 'obstacle'>;
  readonly versions: { readonly node: string; readonly tfjs: string };
  readonly processor: Processor;
  /** What computes matrix products on the processor; `undefined` where TensorFlow decides, and for WebAssembly. */
  readonly products: ProductLibrary | undefined;
  /** Threads that the backend in use works with. */
  readonly threads: number;
  /** The programs that `alignflow setup` needs: what each says about its version; `undefined` where it is missing. */
  readonly tools: Readonly<Record<'python' | 'pip' | 'compiler', string | undefined>>;
  readonly cache: { readonly folder: string; readonly bytes: number };
  readonly gpu: {
    /** Whether TensorFlow with CUDA is what was set up, and in use. */
    readonly built: boolean;
    /** Names of the NVIDIA GPUs that the driver shows. */
    readonly seen: readonly string[];
    /** Whether tensors are on one. */
    readonly used: boolean;
  };
  /** What is missing, each with what to do about it; empty when all is well. */
  readonly advice: readonly string[];
}

/** Looks at everything that decides which tensor backend is used and how fast it is. Starts the backend. */
export async function diagnose(): Promise<Diagnosis> {
  const backend = await startBackend({ warn: () => {} });
  const [processor, python, pip, compiler, seen, bytes] = await Promise.all([
    thisProcessor(),
    findPython(),
    findPip(),
    findCompiler(),
    findGpus(),
    folderSize(cacheFolder()),
  ]);
  const found = {
    backend: { kind: backend.kind, version: backend.version, obstacle: backend.obstacle },
    versions: { node: process.versions.node, tfjs: version_core },
    processor,
    products: backend.kind === 'tensorflow' ? libraryInUse() : undefined,
    threads: threadsOf(backend),
    tools: { python: python?.version, pip: pip?.version, compiler: compiler?.version },
    cache: { folder: cacheFolder(), bytes },
    gpu: {
      built: backend.kind === 'tensorflow' && findInstallation()?.variant === 'gpu',
      seen: seen.map(({ name }) => name),
      used: usesGpu(),
    },
  };
  return { ...found, advice: advise(found, unsupported(thisSystem, 'gpu') === undefined) };
}

/**
 * What is missing and what to do about it.
 *
 * @param gpuPossible whether TensorFlow with CUDA is published for this system
 */
export function advise(found: Omit<Diagnosis, 'advice'>, gpuPossible: boolean): string[] {
  const { backend, tools, gpu } = found;
  const advice: string[] = [];
  if (backend.obstacle !== undefined) {
    const { reason, fix } = backend.obstacle;
    advice.push(`TensorFlow is not in use: ${reason}${fix === undefined ? '' : `; ${fix}`}`);
  } else {
    if (tools.pip === undefined) advice.push(`pip is missing, which the next setup needs: ${howToGetPip}`);
    if (tools.compiler === undefined)
      advice.push(`a C++ compiler is missing, which the next setup needs: ${howToGetCompiler}`);
  }
  if (gpu.built && !gpu.used) {
    advice.push('TensorFlow with CUDA is set up, but finds no GPU: see whether `nvidia-smi` shows one');
  } else if (gpu.seen.length > 0 && !gpu.used && gpuPossible) {
    advice.push('a GPU is there and not in use: run `alignflow setup --gpu` (fetches 2.5 GB)');
  }
  return advice;
}

/** TensorFlow starts a thread for each processor that it may use, unless its own variable says otherwise. */
function threadsOf({ kind }: Pick<Backend, 'kind'>): number {
  if (kind === 'wasm') return 1;
  const set = Number(process.env.TF_NUM_INTRAOP_THREADS);
  return Number.isInteger(set) && set > 0 ? set : availableParallelism();
}
