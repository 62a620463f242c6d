/** The report of a run from what is on disk: of one that ended, that was killed, or that is still at work. */
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { AlignflowError, reasonOf } from '../errors.js';
import { ownerOf } from './lock.js';
import type { RunReport, StageReport } from './report.js';
import { readRecord, wasStarted } from './stage-folder.js';

/**
 * Reads the output folder of a run: the report that it left, with what its stages' folders say, which is newer while a run
 * is at work, or where it was killed; the report says so then. Throws an `AlignflowError` for a folder that is none, or whose report is damaged.
 */
export async function readRunReport(folder: string): Promise<RunReport> {
  const left = await readJson(join(folder, 'report.json'));
  const manifest = await readManifest(join(folder, 'manifest.yaml'));
  if (left === undefined && manifest === undefined)
    throw new AlignflowError({
      what: `there is no run in ${folder}`,
      expected: 'the output folder of a run: runs/emoji',
    });
  const unreported = await ownerOf(folder);
  const stages: StageReport[] = [];
  for (const [name, use] of manifest?.stages ?? left!.stages.map(({ name, use }) => [name, use] as const)) {
    const before = left?.stages.find((stage) => stage.name === name);
    const record = await readRecord(join(folder, name));
    if (record !== undefined) stages.push(before?.digest === record.report.digest ? before! : record.report);
    else if (before?.status === 'failed' && !(await wasStartedSince(join(folder, name), unreported?.startedAt)))
      stages.push(before);
    else if (wasStarted(join(folder, name))) stages.push({ name, use, status: 'unfinished', seconds: 0 });
    else if (manifest === undefined) stages.push(before!);
  }
  const seconds = stages.reduce((sum, stage) => sum + stage.seconds, 0);
  const fromManifest = manifest && { name: manifest.name, seed: manifest.seed, startedAt: manifest.writtenAt, seconds };
  const facts = (unreported === undefined ? left : fromManifest) ?? left ?? fromManifest!;
  const since = unreported === undefined ? {} : { startedAt: unreported.startedAt, unreported };
  return { manifestFile: join(folder, 'manifest.yaml'), backend: 'not known', ...facts, ...since, stages };
}

/** Whether the folder of a stage was begun to be filled by a run that started at a time (ISO 8601); not where there is none. */
async function wasStartedSince(folder: string, time: string | undefined): Promise<boolean> {
  if (time === undefined || !wasStarted(folder)) return false;
  const { mtimeMs } = await stat(join(folder, 'manifest.yaml')).catch(() => ({ mtimeMs: 0 }));
  return mtimeMs >= Date.parse(time);
}

async function readJson(file: string): Promise<RunReport | undefined> {
  if (!existsSync(file)) return undefined;
  try {
    const report = JSON.parse(await readFile(file, 'utf8')) as RunReport;
    if (!Array.isArray(report.stages)) throw new Error('it has no stages');
    return report;
  } catch (error) {
    throw new AlignflowError({ what: `this is no report: ${reasonOf(error)}`, where: { file }, cause: error });
  }
}

/** What the manifest that is stored beside a run says of it; undefined where there is none that can be read. */
async function readManifest(file: string) {
  try {
    const manifest = parse(await readFile(file, 'utf8')) as {
      name: string;
      seed?: number;
      stages: Record<string, { use: string }>;
    };
    const { mtime } = await stat(file);
    const stages = Object.entries(manifest.stages).map(([name, { use }]) => [name, use] as const);
    return { name: String(manifest.name), seed: manifest.seed ?? 0, writtenAt: mtime.toISOString(), stages };
  } catch {
    return undefined;
  }
}
