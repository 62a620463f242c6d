import { join } from 'node:path';
import { Observable } from 'rxjs';
import { reasonOf } from '../errors.js';
import { createBudget } from '../graph/budget.js';
import type { Plan, PlannedStage } from '../plan/plan.js';
import { writeWhole } from './atomic-file.js';
import { besideBaseline, readBaseline } from './baseline.js';
import type { DrawRow } from './dropped-examples.js';
import { type Ending, endingOf } from './ending.js';
import type { RunEvent } from './events.js';
import { lockOutput } from './lock.js';
import { madeFrom } from './made-from.js';
import type { RunReport, StageReport } from './report.js';
import { renderReport } from './report-page.js';
import { retryFailed, settleRetry } from './retry.js';
import { completeStage, inspectStage, openStage } from './stage-folder.js';
import type { StageRecord } from './stage-record.js';
import { runStage, type StageEnvironment } from './stage-run.js';
import { stageSources } from './stage-sources.js';
import { type StageThreads, startThreads } from './stage-threads.js';
import { describeStage } from './summary.js';
import { traced } from './telemetry.js';
import type { Threads } from './threads.js';

/** How a plan is run. */
export interface RunOptions {
  /** What the report calls the tensor backend, `none` unless given: `TensorFlow 2.21.0, 2 threads`. */
  readonly backend?: string;
  /** Draws dropped rows for the report; without it, the report has their texts alone. */
  readonly draw?: DrawRow;
  /**
   * Uses threads, with the same results: `threads`. Heavy operators then run in the plan's `workers`, and the rows of training are
   * read beside the steps. Without it, this thread does it all.
   */
  readonly threads?: Threads;
  /**
   * Tries rows again that failed in stages which are complete: those that operators dropped for a reason that they say `fails`. Where
   * their stage can run them alone, only they are run; otherwise the stage starts over. Stages behind them run again where
   * anything came through.
   */
  readonly retryFailed?: boolean;
  /**
   * Seconds between two savings of how far the rows of a stage are, at the end of a unit of its source; 30 unless given. An
   * interrupted run goes on from the last one. Whatever they cost, they take 5 % of the time at most.
   */
  readonly saveEvery?: number;
  /** Ends the run at once, with the signal's reason: as it is where it is an `AlignflowError`, as the `cause` of one otherwise. */
  readonly signal?: AbortSignal;
  /**
   * Ends the run as `signal` does, but at the next place that it can go on from: the end of a unit of a source, of a training
   * step. After 2 seconds without such a place, it ends at once.
   */
  readonly stop?: AbortSignal;
}

/**
 * Runs a plan, stage by stage, and emits what happens. Complete stages of the same fingerprint are skipped. Unsubscribing
 * ends the run at once; what is complete stays, and the next run goes on from there. Errors are `AlignflowError`s. OpenTelemetry is
 * told of it all, where it is set up.
 */
export function run(plan: Plan, options: RunOptions = {}): Observable<RunEvent> {
  return new Observable<RunEvent>((subscriber) => {
    const ending = endingOf(options.signal, options.stop);
    runStages(plan, options, ending, (event) => subscriber.next(event))
      .finally(() => ending.clear())
      .then(
        () => subscriber.complete(),
        (error: unknown) => subscriber.error(error),
      );
    return () => ending.abort();
  }).pipe(traced());
}

async function runStages(
  plan: Plan,
  { backend = 'none', draw, threads, retryFailed = false, saveEvery }: RunOptions,
  { signal, stopping, abort }: Ending,
  emit: (event: RunEvent) => void,
): Promise<void> {
  const began = performance.now();
  const startedAt = new Date().toISOString();
  const unlock = await lockOutput(plan.output, abort);
  const helpers = startThreads(plan, threads);
  const reports: StageReport[] = [];
  const page = join(plan.output, 'report.html');
  const writeReport = async () => {
    const seconds = (performance.now() - began) / 1000;
    const baseline = plan.baseline === undefined ? undefined : await readBaseline(plan.baseline);
    const value: RunReport = {
      name: plan.name,
      seed: plan.seed,
      startedAt,
      seconds,
      manifestFile: plan.file,
      backend,
      ...(baseline === undefined ? {} : { baseline: baseline.report }),
      stages: baseline === undefined ? reports : besideBaseline(reports, baseline),
    };
    await writeWhole(join(plan.output, 'report.json'), `${JSON.stringify(value, undefined, 1)}\n`);
    await writeWhole(page, renderReport(value));
  };
  try {
    await writeWhole(join(plan.output, 'manifest.yaml'), plan.resolved);
    emit({ kind: 'run-started', name: plan.name, output: plan.output, stages: plan.stages.map(({ name }) => name) });
    for (const stage of plan.stages) {
      signal.throwIfAborted();
      stopping.throwIfAborted();
      const { report, failure } = await completeOrRun(stage, plan, {
        earlier: reports,
        retryFailed,
        signal,
        emit,
        ...(draw === undefined ? {} : { draw }),
        ...helpers,
        stopping,
        ...(saveEvery === undefined ? {} : { saveEvery }),
      });
      reports.push(report);
      if (failure !== undefined) {
        // The first error is the one to tell, whatever stands against the report.
        await writeReport().catch(() => undefined);
        throw failure;
      }
    }
    await writeReport();
    emit({ kind: 'run-complete', seconds: (performance.now() - began) / 1000, report: page });
  } finally {
    await helpers.pool?.close();
    await unlock();
  }
}

/** What became of a stage: its report, and the error that ends the run. */
interface StageEnd {
  readonly report: StageReport;
  readonly failure?: unknown;
}

interface StageOptions extends Pick<RunOptions, 'draw' | 'saveEvery'>, StageThreads {
  /** What became of the stages before. */
  readonly earlier: readonly StageReport[];
  readonly retryFailed: boolean;
  readonly signal: AbortSignal;
  readonly stopping: AbortSignal;
  readonly emit: (event: RunEvent) => void;
}

async function completeOrRun(stage: PlannedStage, plan: Plan, options: StageOptions): Promise<StageEnd> {
  const { emit, earlier, retryFailed: retries, ...helpers } = options;
  const { name, folder } = stage;
  const use = stage.stage.name;
  const began = performance.now();
  const environment = async (): Promise<StageEnvironment> => ({
    base: plan.folder,
    ...(plan.key === undefined ? {} : { key: plan.key }),
    sources: await stageSources(stage, plan),
    budget: createBudget(plan.memory),
    ...helpers,
    emit: (event) => emit({ kind: 'stage-event', stage: name, event }),
    tellOperators: (counts) => emit({ kind: 'stage-operators', stage: name, memory: plan.memory, ...counts }),
  });
  const complete = ({ report }: StageRecord): StageEnd => {
    const { seconds, digest } = report;
    emit({ kind: 'stage-complete', stage: name, seconds, summary: describeStage(report), digest: digest! });
    return { report };
  };
  try {
    await settleRetry(folder);
    const made = madeFrom(stage, earlier);
    let state = await inspectStage(folder, made);
    if (state.kind === 'complete') {
      const begin = (rows: number) => emit({ kind: 'stage-retried', stage: name, use, rows });
      const { record } = state;
      const retried = retries ? await retryFailed(stage, record, await environment(), begin) : 'nothing failed';
      if (retried === 'nothing failed') {
        emit({ kind: 'stage-skipped', stage: name, use, digest: record.report.digest! });
        return { report: { ...record.report, status: 'skipped' } };
      }
      if (retried !== 'start over') return complete(retried.record);
      state = { kind: 'new', folder };
    }
    emit({ kind: 'stage-started', stage: name, use, resumed: state.kind === 'interrupted' });
    if (state.kind === 'new' && state.changed !== undefined) {
      const text = `it was complete, but ${state.changed} is not as it was written: the stage runs again`;
      emit({ kind: 'stage-event', stage: name, event: { kind: 'note', text } });
    }
    await openStage(state, made, plan.resolved);
    const { record, failure } = await runStage(stage, await environment());
    if (failure !== undefined) return { report: failed(record.report, failure), failure };
    const whole = { ...record, fingerprint: made };
    await completeStage(folder, whole);
    return complete(whole);
  } catch (failure) {
    return { report: failed({ name, use, seconds: (performance.now() - began) / 1000 }, failure), failure };
  }
}

function failed(report: Omit<StageReport, 'status'>, failure: unknown): StageReport {
  return { ...report, status: 'failed', notes: [...(report.notes ?? []), reasonOf(failure)] };
}
