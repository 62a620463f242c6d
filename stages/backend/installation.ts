import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { cacheFolder } from '../../pipeline/cache-folder.js';
import { compileFlags } from './compile.js';
import { kernelFlags, kernelSources } from './kernel-build.js';
import { kernelsName } from './kernels.js';
import { nodeApiVersion, tensorflowVersion, type Wheel } from './lock.js';
import { quietName, quietSource } from './quiet.js';
import { type System, thisSystem, type Variant, wheelsFor } from './wheels.js';

/** Where one build of the addon lives. */
export interface Installation {
  readonly variant: Variant;
  /** Folder of the whole build: `tensorflow/` (and `nvidia/`) out of the wheels, the addon, the completion mark. */
  readonly folder: string;
  /** The addon, a file in that folder. */
  readonly addon: string;
  /** The addon with our own kernels, another. */
  readonly kernels: string;
}

/** What the completion mark says. */
export interface Mark {
  readonly tensorflow: string;
  readonly compiler: string;
  /** Size in bytes of each file that the backend needs at run time, by path in the folder. */
  readonly files: Readonly<Record<string, number>>;
}

/** File name of the addon. */
export const addonName = 'tfjs_binding.node';
const markName = 'complete.json';

/** The folder of the package `@tensorflow/tfjs-node-gpu`, whose C++ sources are compiled. */
export function tfjsNodeFolder(): string {
  return dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-node-gpu/package.json'));
}

/**
 * Where the build for a system lives in the cache folder. Its name ends in a fingerprint of everything that the build is
 * made from (wheels, C++ sources, flags), so that two versions of alignflow do not disturb each other.
 */
export function installationFor(system: System, variant: Variant, wheels: readonly Wheel[]): Installation {
  const sources = join(tfjsNodeFolder(), 'binding');
  const hash = createHash('sha256');
  hash.update(JSON.stringify([wheels, nodeApiVersion, system.platform, system.arch, compileFlags, quietSource]));
  hash.update(JSON.stringify([kernelFlags(system.arch), kernelSources()]));
  for (const name of readdirSync(sources).sort()) hash.update(`${name}\0`).update(readFileSync(join(sources, name)));
  const fingerprint = hash.digest('hex').slice(0, 12);
  const folder = join(cacheFolder(), `tensorflow-${tensorflowVersion}-${variant}-${fingerprint}`);
  return { variant, folder, addon: join(folder, addonName), kernels: join(folder, kernelsName) };
}

/** Whether a build is whole: the mark is there, and so is each file that it names, in the size that it names. */
export function isComplete({ folder }: Installation): boolean {
  try {
    const { files } = JSON.parse(readFileSync(join(folder, markName), 'utf8')) as Mark;
    return Object.entries(files).every(([name, bytes]) => statSync(join(folder, name)).size === bytes);
  } catch {
    return false; // No mark, a torn mark, or a file that somebody removed: all mean that setup has to run.
  }
}

/** The whole build that this system has, with CUDA rather than without; `undefined` before a setup. */
export function findInstallation(): Installation | undefined {
  for (const variant of ['gpu', 'cpu'] as const) {
    const installation = installationFor(thisSystem, variant, wheelsFor(thisSystem, variant));
    if (isComplete(installation)) return installation;
  }
  return undefined;
}

/** The completion mark for what lies in a folder; written last. */
export function describeBuild(
  folder: string,
  wheels: readonly Wheel[],
  compiler: string,
): { name: string; mark: Mark } {
  const names = [addonName, quietName, kernelsName, ...wheels.flatMap((wheel) => wheel.libraries)];
  const files = Object.fromEntries(names.map((name) => [name, statSync(join(folder, name)).size]));
  return { name: markName, mark: { tensorflow: tensorflowVersion, compiler, files } };
}
