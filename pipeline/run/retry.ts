/**
 * Tries the failed rows of a complete stage again: they are read, run through its steps and written as further files, in a folder
 * within the stage's, from which they move into place once all of it is there. A retry that was interrupted is finished
 * or forgotten by the next run.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { NeedsAllRows } from '../graph/read-source.js';
import type { PlannedStage } from '../plan/plan.js';
import { BRANCHES } from '../plan/plan-branches.js';
import { type Unit, unitKey } from '../source.js';
import { writeWhole } from './atomic-file.js';
import { canRetryAlone, type FailedRows, findFailedRows, isFailed } from './failed-rows.js';
import { hashFile } from './hash-file.js';
import { openLedger } from './ledger.js';
import { readLedger } from './read-ledger.js';
import type { StageReport } from './report.js';
import { mergeReports } from './retry-report.js';
import { completeStage } from './stage-folder.js';
import type { StageFile, StageRecord } from './stage-record.js';
import { digestOf, LEDGER, ROWS, runStage, type StageEnvironment } from './stage-run.js';

/** Within a stage's folder. */
const RETRY = 'retry';
/** Within that, written last: what is to be moved, and the record of the stage then. */
const COMMIT = 'commit.json';

interface Commit {
  /** Files relative to the stage's folder, and their names there. */
  readonly moves: readonly (readonly [from: string, to: string])[];
  readonly record: StageRecord;
}

/** What became of the failed rows: the stage's new record, or that there were none, or that they need all other rows too. */
export type Retried = { readonly record: StageRecord } | 'nothing failed' | 'start over';

/**
 * Tries the failed rows of a complete stage again. Those that come through stand in files of their own behind the others, and no more
 * in the ledger. `begin` is told how many there are, before any is read.
 */
export async function retryFailed(
  stage: PlannedStage,
  record: StageRecord,
  environment: StageEnvironment,
  begin: (rows: number) => void,
): Promise<Retried> {
  const failed = await findFailedRows(stage);
  if (failed.count === 0) return 'nothing failed';
  begin(failed.count);
  if (!canRetryAlone(stage, failed)) return 'start over';
  const folder = join(stage.folder, RETRY);
  await mkdir(folder, { recursive: true });
  let units: readonly Unit[] = [];
  try {
    const inFolder = (path: string) => join(folder, path.slice(stage.folder.length + 1));
    const again = {
      ...stage,
      folder,
      branches: stage.branches.map((branch) => ({ ...branch, folder: inFolder(branch.folder) })),
    };
    const { record: made } = await runStage(again, {
      ...environment,
      choose: () => failed,
      units: (listed) => {
        units = [...listed];
      },
    });
    const commit = await prepare(stage, { before: record, made, failed, units });
    await writeWhole(join(folder, COMMIT), JSON.stringify(commit));
    await apply(stage.folder, commit);
    return { record: commit.record };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    if (error instanceof NeedsAllRows) return 'start over';
    throw error;
  }
}

/** Finishes a retry that was committed and not applied to its end, and forgets one that was not committed. */
export async function settleRetry(stageFolder: string): Promise<void> {
  const folder = join(stageFolder, RETRY);
  if (!existsSync(folder)) return;
  const committed = await readFile(join(folder, COMMIT), 'utf8').catch(() => undefined);
  if (committed === undefined) await rm(folder, { recursive: true, force: true });
  else await apply(stageFolder, JSON.parse(committed) as Commit);
}

/** Moves files into place; those that are there already were moved before an interruption. */
async function apply(folder: string, { moves, record }: Commit): Promise<void> {
  for (const [from, to] of moves) {
    if (existsSync(join(folder, from))) await rename(join(folder, from), join(folder, to));
  }
  await completeStage(folder, record);
  await rm(join(folder, RETRY), { recursive: true, force: true });
}

interface Attempt {
  readonly before: StageRecord;
  /** Of the failed rows alone, its files relative to the folder of the retry. */
  readonly made: StageRecord;
  readonly failed: FailedRows;
  readonly units: readonly Unit[];
}

async function prepare(stage: PlannedStage, attempt: Attempt): Promise<Commit> {
  const { before, made, failed } = attempt;
  const ledger = join(RETRY, 'merged.parquet');
  await mergeLedgers(stage.folder, ledger, attempt);
  const names = new Set(before.files.map(({ file }) => file));
  const written = made.files.filter(({ file }) => hasRows(file, made.report));
  let number = 1;
  while (written.some(({ file }) => names.has(furtherName(file, number)))) number++;
  const shards = written.map((shard) => ({ shard, to: furtherName(shard.file, number) }));
  const files: StageFile[] = [
    ...before.files.filter(({ file }) => file !== LEDGER),
    { file: LEDGER, ...(await hashFile(join(stage.folder, ledger))) },
    ...shards.map(({ shard, to }) => ({ ...shard, file: to })),
  ].sort((a, b) => (a.file < b.file ? -1 : 1));
  const report = { ...mergeReports(before.report, made.report, failed), digest: digestOf(files, before.figures) };
  return {
    moves: [[ledger, LEDGER], ...shards.map(({ shard, to }) => [join(RETRY, shard.file), to] as const)],
    record: { ...before, files, report },
  };
}

/** Whether a file of the retry holds rows of its stage or of a branch: a sink that was given none writes their columns alone. */
function hasRows(file: string, { rows }: StageReport): boolean {
  const [folder, branch] = file.split(sep);
  if (folder === ROWS) return rows!.out > 0;
  return folder === BRANCHES && rows!.branches!.some(({ name, out }) => name === branch && out > 0);
}

/** `rows/part-00000.parquet` of the second retry as `rows/retry-2-part-00000.parquet`, which is read after all others. */
function furtherName(file: string, retry: number): string {
  return join(dirname(file), `retry-${retry}-${basename(file)}`);
}

/** The ledger without the rows that were tried again, with those of them that were dropped again, in the order of the source. */
async function mergeLedgers(folder: string, to: string, { failed, units }: Attempt): Promise<void> {
  const places = new Map(units.map((unit, place) => [unitKey(unit), place]));
  const merged = await openLedger(join(folder, to));
  for (const [path, keeps] of [
    [LEDGER, (row) => !isFailed(failed, row)],
    [join(RETRY, LEDGER), () => true],
  ] as const satisfies readonly (readonly [string, (row: Parameters<typeof isFailed>[1]) => boolean])[]) {
    for await (const row of readLedger(join(folder, path))) {
      if (!keeps(row)) continue;
      await merged.room();
      merged.append({ ...row, unit: places.get(unitKey(row)) ?? 0 });
    }
  }
  await merged.close();
}
