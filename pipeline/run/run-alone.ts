/** One stage of a plan by itself, on what the stages before it made, in a folder that is gone afterwards. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AlignflowError } from '../errors.js';
import { createBudget } from '../graph/budget.js';
import type { StageEvent } from '../metrics.js';
import type { Options, Plan, PlannedStage } from '../plan/plan.js';
import { madeFrom } from './made-from.js';
import type { StageReport } from './report.js';
import { inspectStage, openStage } from './stage-folder.js';
import { runStage } from './stage-run.js';
import { stageSources } from './stage-sources.js';
import { startThreads } from './stage-threads.js';
import type { Threads } from './threads.js';

/** How a stage is run alone. */
export interface AloneOptions {
  /** Options that differ from the manifest's. */
  readonly change: Options;
  readonly signal: AbortSignal;
  /** See `RunOptions.threads`. */
  readonly threads?: Threads;
  readonly emit: (event: StageEvent) => void;
}

/**
 * Runs a stage from its beginning; its gates are not asked, and nothing of it stays. Throws an `AlignflowError` when a stage that it
 * needs is not complete.
 */
export async function runAlone(plan: Plan, stage: PlannedStage, options: AloneOptions): Promise<void> {
  await checkNeeds(plan, stage);
  const { change, signal, threads, emit } = options;
  const folder = await mkdtemp(join(tmpdir(), 'alignflow-alone-'));
  const helpers = startThreads(plan, threads);
  try {
    await openStage({ kind: 'new', folder }, stage.fingerprint, plan.resolved);
    await runStage(
      { ...stage, folder, options: { ...stage.options, ...change } },
      {
        base: plan.folder,
        ...(plan.key === undefined ? {} : { key: plan.key }),
        sources: await stageSources(stage, plan),
        budget: createBudget(plan.memory),
        signal,
        stopping: signal,
        ...helpers,
        emit,
      },
    );
  } finally {
    await helpers.pool?.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Throws unless all stages that one needs, and that these need, are complete as the plan has them. */
async function checkNeeds({ stages, file }: Plan, stage: PlannedStage): Promise<void> {
  const needed = new Set<string>();
  const follow = (one: PlannedStage): void => {
    for (const name of one.needs) {
      needed.add(name);
      follow(stages.find((other) => other.name === name)!);
    }
  };
  follow(stage);
  const reports: StageReport[] = [];
  for (const one of stages.filter(({ name }) => needed.has(name))) {
    const state = await inspectStage(one.folder, madeFrom(one, reports));
    if (state.kind === 'complete') {
      reports.push(state.record.report);
      continue;
    }
    throw new AlignflowError({
      what: `the stage ${one.name} is not complete, which ${stage.name} needs`,
      where: { file },
      expected: `what it makes in ${one.folder}`,
      fix: 'run the manifest first, as far as to that stage at least',
    });
  }
}
