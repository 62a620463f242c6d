import { mkdir, readdir, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { lock } from 'proper-lockfile';
import { AlignflowError, reasonOf } from '../../pipeline/errors.js';
import { formatBytes } from '../../pipeline/terminal/format.js';
import { demandedBackend, wasmAskedFor } from './choice.js';
import { howToGetRoom, saysDiskFull } from './command.js';
import { compile } from './compile.js';
import { fetchWheel, isPartial } from './fetch.js';
import { folderSize } from './folder-size.js';
import {
  addonName,
  describeBuild,
  type Installation,
  installationFor,
  isComplete,
  tfjsNodeFolder,
} from './installation.js';
import type { Wheel } from './lock.js';
import type { SetupReport } from './setup-event.js';
import { findToolchain, type Obstacle, type Toolchain } from './toolchain.js';
import { unpack } from './unpack.js';
import { thisSystem, unsupported, type Variant, wheelsFor } from './wheels.js';

/** Settings of a setup. */
export interface SetupOptions {
  /** TensorFlow for the processor alone (the default) or with CUDA. */
  readonly variant?: Variant;
  /** Told what is going on, some times a second. */
  readonly report?: SetupReport;
}

/** What a setup came to. */
export type SetupOutcome =
  | {
      readonly kind: 'tensorflow';
      readonly installation: Installation;
      /** False when it was there already. */
      readonly built: boolean;
    }
  | ({ readonly kind: 'wasm' } & Obstacle);

/** A lock whose holder has not touched it for so long belongs to a killed process. */
const staleMilliseconds = 10_000;

/**
 * Makes TensorFlow ready for `startBackend`: fetches its wheel, takes the libraries out and compiles the addon, all in the
 * cache folder. Does nothing when that is done already. May be interrupted anywhere and started twice at once.
 * Where TensorFlow cannot be had (system, pip or compiler missing, `ALIGNFLOW_BACKEND=wasm`), the outcome says so.
 * Throws `AlignflowError` when it should have worked and did not (network, checksum, compiler, disk).
 */
export async function setUp({ variant = 'cpu', report = () => {} }: SetupOptions = {}): Promise<SetupOutcome> {
  if (demandedBackend() === 'wasm') return { kind: 'wasm', reason: wasmAskedFor };
  const wheels = wheelsFor(thisSystem, variant);
  const installation = installationFor(thisSystem, variant, wheels);
  if (isComplete(installation)) return { kind: 'tensorflow', installation, built: false };
  const reason = unsupported(thisSystem, variant);
  if (reason !== undefined) return { kind: 'wasm', reason };
  const tools = await findToolchain();
  if ('reason' in tools) return { kind: 'wasm', ...tools };
  return exclusively(installation, report, async (stillOurs) => {
    if (isComplete(installation)) return { kind: 'tensorflow', installation, built: false };
    await build(installation, wheels, tools, report, stillOurs);
    return { kind: 'tensorflow', installation, built: true };
  });
}

/**
 * Builds beside the final folder and renames when all is there, the completion mark included. What an interrupted build
 * left is used as far as it is whole: a fetched wheel with the right checksum is not fetched again, so wheels go last.
 */
async function build(
  { folder }: Installation,
  wheels: readonly Wheel[],
  tools: Toolchain,
  report: SetupReport,
  stillOurs: () => void,
): Promise<void> {
  const building = `${folder}.building`;
  await mkdir(building, { recursive: true });
  await clearLeftovers(building);
  await checkRoom(building, wheels);
  for (const wheel of wheels) {
    const file = await fetchWheel(wheel, building, tools.pip, report);
    await unpack(file, wheel, building, report);
  }
  report({ step: 'compile', name: addonName });
  await compile(tools.compiler, {
    platform: thisSystem.platform,
    tfjsNode: tfjsNodeFolder(),
    unpacked: building,
    libraries: wheels.flatMap((wheel) => wheel.libraries),
    addon: join(building, addonName),
  });
  for (const wheel of wheels) await rm(join(building, wheel.file), { force: true });
  const { name, mark } = describeBuild(building, wheels, tools.compiler.version);
  await writeFile(join(building, name), JSON.stringify(mark, undefined, 2));
  stillOurs();
  await rm(folder, { recursive: true, force: true });
  await rename(building, folder);
}

/**
 * Runs `work` while no other process sets up the same installation; waits for one that does. `work` gets a function that
 * throws when the lock was lost (a process that was stopped for long), to be called before the step that others see.
 */
async function exclusively<T>(
  { folder }: Installation,
  report: SetupReport,
  work: (stillOurs: () => void) => Promise<T>,
): Promise<T> {
  let lost: Error | undefined;
  const options = {
    realpath: false,
    stale: staleMilliseconds,
    onCompromised: (error: Error) => {
      lost = error;
    },
  };
  try {
    await mkdir(dirname(folder), { recursive: true });
    const release = await lock(folder, options).catch((error: unknown) => {
      if (!isCode(error, 'ELOCKED')) throw error;
      report({ step: 'wait', name: folder });
      return lock(folder, { ...options, retries: { forever: true, factor: 1, minTimeout: 500, maxTimeout: 500 } });
    });
    try {
      return await work(() => {
        if (lost !== undefined) throw lost;
      });
    } finally {
      if (lost === undefined) await release();
    }
  } catch (error) {
    if (error instanceof AlignflowError) throw error;
    throw new AlignflowError({
      what: `TensorFlow could not be set up: ${reasonOf(error)}`,
      where: { file: dirname(folder) },
      expected: 'a cache folder that can be written, with 2 GB of room',
      fix: saysDiskFull(reasonOf(error))
        ? howToGetRoom
        : 'set ALIGNFLOW_CACHE to such a folder, or run `alignflow setup` again',
      cause: error,
    });
  }
}

/** Removes what a killed pip left. */
async function clearLeftovers(building: string): Promise<void> {
  for (const name of await readdir(building)) {
    if (isPartial(name)) await rm(join(building, name), { recursive: true, force: true });
  }
}

/** Throws `AlignflowError` when the disk cannot hold the wheels (the largest twice, while pip moves it) and what they unpack to. */
async function checkRoom(building: string, wheels: readonly Wheel[]): Promise<void> {
  const sum = (numbers: readonly number[]) => numbers.reduce((total, value) => total + value, 0);
  const sizes = wheels.map((wheel) => wheel.bytes);
  const all = sum(sizes) + Math.max(...sizes) + sum(wheels.map((wheel) => wheel.unpackedBytes));
  const needed = all - (await folderSize(building));
  const { bavail, bsize } = await statfs(building);
  if (bavail * bsize >= needed) return;
  throw new AlignflowError({
    what: `the disk has ${formatBytes(bavail * bsize)} left`,
    where: { file: building },
    expected: `${formatBytes(needed)} to fetch and unpack TensorFlow, of which a part is free again afterwards`,
    fix: howToGetRoom,
  });
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
