/**
 * A stage's folder and its state on disk. `started.json` says for which fingerprint the content was made, `stage.json` is
 * the completion mark and written last: without it nothing in the folder counts as made.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AlignflowError } from '../errors.js';
import { writeFailure, writeWhole } from './atomic-file.js';
import { hasProgress } from './saved-progress.js';
import { changedFile, ROW_FOLDERS, refuseStrays } from './stage-files.js';
import { isStageRecord, type StageRecord } from './stage-record.js';

const STARTED = 'started.json';
const COMPLETE = 'stage.json';
/** What a stage keeps here is there again when it was interrupted and is started anew. */
export const CHECKPOINTS = 'checkpoints';

/** What a run finds of a stage. */
export type StageState =
  | { readonly kind: 'complete'; readonly folder: string; readonly record: StageRecord }
  /** Made for the same fingerprint, but not finished: there are checkpoints to go on from. */
  | { readonly kind: 'interrupted'; readonly folder: string }
  /** `changed`: a file that a complete stage of the same fingerprint wrote, which is not as it was, or has gone. */
  | { readonly kind: 'new'; readonly folder: string; readonly changed?: string };

/**
 * Looks at a stage's folder; changes nothing. Throws an `AlignflowError` for a folder of files that no run has written: it
 * would be emptied. And for files among the rows of a complete stage that it did not write.
 */
export async function inspectStage(folder: string, fingerprint: string): Promise<StageState> {
  const record = await readRecord(folder);
  const changed =
    record?.fingerprint === fingerprint ? await changedFile(folder, record, join(folder, COMPLETE)) : undefined;
  if (record?.fingerprint === fingerprint && changed === undefined) {
    await refuseStrays(folder, record);
    return { kind: 'complete', folder, record };
  }
  const started = await readJson<{ fingerprint: string }>(join(folder, STARTED));
  const names = await namesIn(folder);
  if (record === undefined && started === undefined && names.some((name) => !isOurs(name)))
    throw foreign(folder, names);
  // A mark whose files have gone is no start to go on from.
  const resumable = record === undefined && started?.fingerprint === fingerprint && names.includes(CHECKPOINTS);
  if (resumable) return { kind: 'interrupted', folder };
  return { kind: 'new', folder, ...(changed === undefined ? {} : { changed }) };
}

/** The completion mark of a stage's folder; undefined where it is not complete, or the mark is none. */
export async function readRecord(folder: string): Promise<StageRecord | undefined> {
  const record = await readJson<unknown>(join(folder, COMPLETE));
  return isStageRecord(record) ? record : undefined;
}

/** Whether a run has begun to fill the folder. */
export function wasStarted(folder: string): boolean {
  return existsSync(join(folder, STARTED));
}

/** Makes the folder ready: empty, but for the checkpoints (and rows) of an interrupted run of the same fingerprint. */
export async function openStage({ kind, folder }: StageState, fingerprint: string, manifest: string): Promise<void> {
  try {
    const rows = hasProgress(join(folder, CHECKPOINTS)) ? ROW_FOLDERS : [];
    const kept = kind === 'interrupted' ? [CHECKPOINTS, STARTED, ...rows] : [];
    // The completion mark goes first and the other last: what is left after an interruption is known as ours, and as unfinished.
    const rank = (name: string) => (name === COMPLETE ? 0 : name === STARTED ? 2 : 1);
    const names = (await namesIn(folder)).sort((a, b) => rank(a) - rank(b));
    for (const name of names) if (!kept.includes(name)) await rm(join(folder, name), { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw writeFailure(folder, error);
  }
  await writeWhole(join(folder, STARTED), JSON.stringify({ fingerprint }));
  await writeWhole(join(folder, 'manifest.yaml'), manifest);
}

/** Marks the stage as complete. Nothing may be written after it. */
export async function completeStage(folder: string, record: StageRecord): Promise<void> {
  await writeWhole(join(folder, COMPLETE), `${JSON.stringify(record, undefined, 1)}\n`);
}

/** Whether a file is what `openStage` may leave behind when it is interrupted before its mark is there. */
function isOurs(name: string): boolean {
  return name.startsWith(`${STARTED}.`) && name.endsWith('.tmp');
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw writeFailure(folder, error);
  });
}

function foreign(folder: string, names: readonly string[]): AlignflowError {
  return new AlignflowError({
    what: `the folder of the stage holds files that alignflow did not write, such as ${names[0]}`,
    where: { file: folder },
    expected: 'no folder of this name, an empty one, or one of an earlier run: it is emptied before the stage runs',
    fix: 'set `output` to another folder, or give the stage another name',
  });
}

/** A JSON file of ours; undefined when it is missing or not whole. */
async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch {
    return undefined;
  }
}
