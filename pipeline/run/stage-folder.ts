/**
 * A stage's folder and its state on disk. `started.json` says for which fingerprint the content was made, `stage.json` is
 * the completion mark and written last: without it nothing in the folder counts as made.
 */
import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from './atomic-file.js';
import type { StageRecord } from './stage-record.js';

const STARTED = 'started.json';
const COMPLETE = 'stage.json';

/** What a run finds of a stage. */
export type StageState =
  | { readonly kind: 'complete'; readonly folder: string; readonly record: StageRecord }
  /** Made for the same fingerprint, but not finished: checkpoints in it may be used. */
  | { readonly kind: 'interrupted'; readonly folder: string }
  | { readonly kind: 'new'; readonly folder: string };

/** Looks at a stage's folder; changes nothing. */
export async function inspectStage(folder: string, fingerprint: string): Promise<StageState> {
  const record = await readJson<StageRecord>(join(folder, COMPLETE));
  if (record?.fingerprint === fingerprint && (await filesAreThere(folder, record)))
    return { kind: 'complete', folder, record };
  const started = await readJson<{ fingerprint: string }>(join(folder, STARTED));
  // A mark whose files have gone is no start to go on from.
  const resumable = record === undefined && started?.fingerprint === fingerprint;
  return { kind: resumable ? 'interrupted' : 'new', folder };
}

/** Makes the folder ready: empty, but for the checkpoints of an interrupted run of the same fingerprint. */
export async function openStage(state: StageState, fingerprint: string, manifest: string): Promise<void> {
  if (state.kind !== 'interrupted') await rm(state.folder, { recursive: true, force: true });
  await mkdir(state.folder, { recursive: true });
  await writeWhole(join(state.folder, 'manifest.yaml'), manifest);
  await writeWhole(join(state.folder, STARTED), JSON.stringify({ fingerprint }));
}

/** Marks the stage as complete. Nothing may be written after it. */
export async function completeStage(folder: string, record: StageRecord): Promise<void> {
  await writeWhole(join(folder, COMPLETE), `${JSON.stringify(record, undefined, 1)}\n`);
}

async function filesAreThere(folder: string, record: StageRecord): Promise<boolean> {
  for (const { file, bytes } of record.files) {
    const size = await stat(join(folder, file)).then(
      (entry) => entry.size,
      () => -1,
    );
    if (size !== bytes) return false;
  }
  return true;
}

/** A JSON file of ours; undefined when it is missing or not whole. */
async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch {
    return undefined;
  }
}
