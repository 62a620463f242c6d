/** Runs the manifest of a folder, in this process or as the command, and reads what it made. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { lastValueFrom, toArray } from 'rxjs';
import { onTestFinished } from 'vitest';
import source from '../../operators/sources/parquet.js';
import { planManifest } from '../../pipeline/plan/plan-manifest.js';
import type { RunEvent } from '../../pipeline/run/events.js';
import type { RunReport } from '../../pipeline/run/report.js';
import { run } from '../../pipeline/run/run.js';
import { drawRow } from '../../stages/picture.js';

/** Plans and runs in this process, into `runs` beside the manifest. Throws what the run fails with, or the problems. */
export async function runManifest(folder: string, ...set: readonly string[]): Promise<readonly RunEvent[]> {
  const options = { set: [`output=${join(folder, 'runs')}`, ...set] };
  const { plan, problems } = await planManifest(join(folder, 'shapes.yaml'), options);
  if (plan === undefined) throw new Error(problems.map(({ at, message }) => `${at.line}: ${message}`).join('\n'));
  return lastValueFrom(run(plan, { backend: 'test', draw: drawRow }).pipe(toArray()));
}

/** The report of the last run. */
export function reportOf(folder: string, output = 'runs'): RunReport {
  return JSON.parse(readFileSync(join(folder, output, 'report.json'), 'utf8')) as RunReport;
}

/** A row of a table, by column. */
export type Row = Readonly<Record<string, unknown>>;

/** The rows of a small Parquet file. */
export async function readRows(file: string): Promise<Row[]> {
  const { signal } = new AbortController();
  const note = () => undefined;
  const context = { stage: 'test', base: dirname(file), seed: 1, signal, cache: '', note, reserve: note, drop: note };
  const options = { path: basename(file), batch: 1024 };
  const rows: Row[] = [];
  for (const unit of await source.units(options, context))
    for await (const batch of source.read(unit, options, context))
      for (const row of batch.toArray()) rows.push(row.toJSON() as Row);
  return rows;
}

/** The built command, `npm run build` has made it. */
const command = join(import.meta.dirname, '../../stages/alignflow.js');

/** A command that runs. */
export interface Running {
  readonly child: ChildProcess;
  /** Standard error so far. */
  readonly log: () => string;
  /** Resolves when it has ended: its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

/** Starts `alignflow run` on the manifest of a folder, in that folder. It is killed when the test ends. */
export function startCommand(folder: string, ...set: readonly string[]): Running {
  const options = set.flatMap((change) => ['--set', change]);
  const child = spawn(process.execPath, [command, 'run', 'shapes.yaml', ...options], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, NO_COLOR: '1' },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const ended = new Promise<number | string>((resolve) =>
    child.on('close', (code, signal) => resolve(code ?? signal ?? 'nothing')),
  );
  return { child, log: () => log, ended };
}
