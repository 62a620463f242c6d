import { join } from 'node:path';
import { Observable } from 'rxjs';
import { reasonOf } from '../errors.js';
import { createBudget } from '../graph/budget.js';
import { loadSource } from '../plan/load-source.js';
import type { Plan, PlannedStage } from '../plan/plan.js';
import { writeWhole } from './atomic-file.js';
import type { RunEvent } from './events.js';
import { lockOutput } from './lock.js';
import type { RunReport, StageReport } from './report.js';
import { renderReport } from './report-page.js';
import { completeStage, inspectStage, openStage } from './stage-folder.js';
import type { StageRecord } from './stage-record.js';
import type { WeightedSource } from './stage-rows.js';
import { ROWS, runStage } from './stage-run.js';
import { describeStage } from './summary.js';

/** How a plan is run. */
export interface RunOptions {
  /** What the report calls the backend: `TensorFlow 2.21 on 2 threads`. */
  readonly backend: string;
  /** Ends the run with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Runs a plan, stage by stage, and emits what happens. Complete stages of the same fingerprint are skipped. Unsubscribing
 * ends the run at once; what is complete stays, and the next run goes on from there. Errors are `AlignflowError`s.
 */
export function run(plan: Plan, options: RunOptions): Observable<RunEvent> {
  return new Observable((subscriber) => {
    const abort = new AbortController();
    runStages(plan, options, abort, (event) => subscriber.next(event)).then(
      () => subscriber.complete(),
      (error: unknown) => subscriber.error(error),
    );
    return () => abort.abort();
  });
}

async function runStages(
  plan: Plan,
  { backend, signal: outer }: RunOptions,
  abort: AbortController,
  emit: (event: RunEvent) => void,
): Promise<void> {
  const began = performance.now();
  const startedAt = new Date().toISOString();
  const signal = outer === undefined ? abort.signal : AbortSignal.any([abort.signal, outer]);
  const unlock = await lockOutput(plan.output, (error) => abort.abort(error));
  const reports: StageReport[] = [];
  const report = join(plan.output, 'report.html');
  const writeReport = async () => {
    const seconds = (performance.now() - began) / 1000;
    const value: RunReport = {
      name: plan.name,
      seed: plan.seed,
      startedAt,
      seconds,
      manifestFile: plan.file,
      backend,
      stages: reports,
    };
    await writeWhole(join(plan.output, 'report.json'), `${JSON.stringify(value, undefined, 1)}\n`);
    await writeWhole(report, renderReport(value));
  };
  try {
    await writeWhole(join(plan.output, 'manifest.yaml'), plan.resolved);
    emit({ kind: 'run-started', name: plan.name, output: plan.output, stages: plan.stages.map(({ name }) => name) });
    for (const stage of plan.stages) {
      signal.throwIfAborted();
      const stageBegan = performance.now();
      try {
        const { record, skipped } = await completeOrRun(stage, plan, signal, emit);
        reports.push(skipped ? { ...record.report, status: 'skipped' } : record.report);
        if (!skipped)
          emit({
            kind: 'stage-complete',
            stage: stage.name,
            seconds: record.report.seconds,
            summary: describeStage(record.report),
          });
      } catch (error) {
        const seconds = (performance.now() - stageBegan) / 1000;
        reports.push({
          name: stage.name,
          use: stage.stage.name,
          status: 'failed',
          seconds,
          notes: [reasonOf(error)],
        });
        // The first error is the one to tell, whatever stands against the report.
        await writeReport().catch(() => undefined);
        throw error;
      }
    }
    await writeReport();
    emit({ kind: 'run-complete', seconds: (performance.now() - began) / 1000, report });
  } finally {
    await unlock();
  }
}

async function completeOrRun(
  stage: PlannedStage,
  plan: Plan,
  signal: AbortSignal,
  emit: (event: RunEvent) => void,
): Promise<{ record: StageRecord; skipped: boolean }> {
  const state = await inspectStage(stage.folder, stage.fingerprint);
  if (state.kind === 'complete') {
    emit({ kind: 'stage-skipped', stage: stage.name, use: stage.stage.name });
    return { record: state.record, skipped: true };
  }
  emit({ kind: 'stage-started', stage: stage.name, use: stage.stage.name, resumed: state.kind === 'interrupted' });
  await openStage(state, stage.fingerprint, plan.resolved);
  const record = await runStage(stage, {
    base: plan.folder,
    sources: await stageSources(stage, plan),
    budget: createBudget(plan.memory),
    signal,
    emit: (event) => emit({ kind: 'stage-event', stage: stage.name, event }),
  });
  await completeStage(stage.folder, record);
  return { record, skipped: false };
}

/** The source of a stage's own, or those that read what earlier stages' sinks wrote. */
async function stageSources({ rows }: PlannedStage, plan: Plan): Promise<WeightedSource[]> {
  if (rows === undefined) return [];
  if ('source' in rows.from) return [{ source: rows.from.source, options: rows.from.options, weight: 1 }];
  return Promise.all(
    rows.from.map(async ({ stage, weight }) => {
      const writer = plan.stages.find(({ name }) => name === stage)!;
      return { ...(await loadSource(writer.sink!, join(writer.folder, ROWS))), weight };
    }),
  );
}
