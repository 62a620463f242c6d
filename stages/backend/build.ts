import { readdir, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { lock } from 'proper-lockfile';
import { AlignflowError, reasonOf } from '../../pipeline/errors.js';
import { makeFolder } from '../../pipeline/make-folder.js';
import { formatBytes } from '../../pipeline/terminal/format.js';
import { howToGetRoom, saysDiskFull } from './command.js';
import { compile } from './compile.js';
import { fetchWheel, isPartial } from './fetch.js';
import { folderSize } from './folder-size.js';
import { addonName, describeBuild, type Installation, isComplete, tfjsNodeFolder } from './installation.js';
import { compileKernels } from './kernel-build.js';
import type { Wheel } from './lock.js';
import { compileQuiet } from './quiet.js';
import type { SetupReport } from './setup-event.js';
import type { Toolchain } from './toolchain.js';
import { unpack } from './unpack.js';
import { thisSystem } from './wheels.js';

/** A lock whose holder has not touched it for so long belongs to a killed process. */
const staleMilliseconds = 10_000;

/**
 * Builds an installation unless it is there, whole; returns whether it had to. May be interrupted anywhere, and run by
 * several processes at once: one builds, the others wait for it.
 * Throws `AlignflowError` when the wheels cannot be fetched or unpacked, the compiler fails, or the disk does not take it.
 */
export async function buildInstallation(
  installation: Installation,
  wheels: readonly Wheel[],
  tools: Toolchain,
  report: SetupReport,
): Promise<boolean> {
  return exclusively(installation, report, async (stillOurs) => {
    if (isComplete(installation)) return false;
    await build(installation, wheels, tools, report, stillOurs);
    return true;
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
  makeFolder(building);
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
  await compileQuiet(tools.compiler, building, thisSystem.platform);
  const libraries = wheels.flatMap((wheel) => wheel.libraries);
  await compileKernels(tools.compiler, { ...thisSystem, unpacked: building, libraries });
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
    makeFolder(dirname(folder));
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
