import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { lastValueFrom, Subject, takeUntil, takeWhile, tap } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AlignflowError } from '../../../pipeline/errors.js';
import type { Plan } from '../../../pipeline/plan/plan.js';
import { planManifest } from '../../../pipeline/plan/plan-manifest.js';
import type { RunEvent } from '../../../pipeline/run/events.js';
import type { RunReport } from '../../../pipeline/run/report.js';
import { run } from '../../../pipeline/run/run.js';
import { madeBy, restartProject } from './restart-project.js';

const planOf = async (folder: string, output: string): Promise<Plan> => {
  const { plan, problems } = await planManifest(join(folder, 'restart.yaml'), {
    set: [`output=${join(folder, output)}`],
  });
  expect(problems).toEqual([]);
  return plan!;
};

/** Told by the project's source of each page that it reads. */
const watch: { restartProject?: (page: string) => void } = globalThis as never;

/** Runs a plan until it has read so many pages or told so many things of its second stage, and its folder is free again. */
async function runUntil(plan: Plan, stop: { readonly pages?: number; readonly told?: number }) {
  const { pages = Number.POSITIVE_INFINITY, told = Number.POSITIVE_INFINITY } = stop;
  const stopped = new Subject<void>();
  const read: string[] = [];
  watch.restartProject = (page) => {
    read.push(page);
    if (read.length === pages) setImmediate(() => stopped.next());
  };
  onTestFinished(() => {
    delete watch.restartProject;
  });
  const events: RunEvent[] = [];
  const count = () => events.filter((event) => 'stage' in event && event.stage === 'tokens').length;
  await lastValueFrom(
    run(plan, { saveEvery: 0 }).pipe(
      tap((event) => void events.push(event)),
      takeWhile(() => count() < told),
      takeUntil(stopped),
    ),
    { defaultValue: undefined },
  );
  while (existsSync(join(plan.output, 'run.lock'))) await nextTurn();
  return { read, done: events.at(-1)?.kind === 'run-complete', told: count() };
}

describe('an interrupted run', () => {
  it('goes on among the rows of its stages, wherever it was stopped, to the same bytes and counts', async () => {
    const folder = restartProject();
    const whole = await planOf(folder, 'whole');
    const { read: pages, told } = await runUntil(whole, {});
    const expected = madeBy(whole.output);
    expect(pages.length).toBe(12);
    let wentOn = 0;
    for (let first = 1; first <= pages.length; first += 2) {
      const plan = await planOf(folder, `stopped-${first}`);
      const runs = [await runUntil(plan, { pages: first })];
      while (!runs.at(-1)!.done) {
        expect(runs.length).toBeLessThan(20);
        runs.push(await runUntil(plan, { pages: 3 }));
      }
      expect(madeBy(plan.output)).toEqual(expected);
      if (runs.some(({ read }) => read.length > 0 && read[0] !== 'page-0')) wentOn++;
    }
    expect(wentOn).toBeGreaterThan(4);
    for (let first = 1; first < told; first++) {
      const plan = await planOf(folder, `told-${first}`);
      expect((await runUntil(plan, { told: first })).done).toBe(false);
      expect((await runUntil(plan, {})).done).toBe(true);
      expect(madeBy(plan.output)).toEqual(expected);
    }
  });

  it('stops at the end of a page when it is asked to, and goes on behind it', async () => {
    const folder = restartProject();
    const whole = await planOf(folder, 'whole');
    await runUntil(whole, {});
    const plan = await planOf(folder, 'asked');
    const stop = new AbortController();
    const interrupted = new AlignflowError({ what: 'interrupted' });
    const read: string[] = [];
    watch.restartProject = (page) => {
      read.push(page);
      if (page === 'page-5') stop.abort(interrupted);
    };
    await expect(lastValueFrom(run(plan, { stop: stop.signal }))).rejects.toThrow('stage clean: interrupted');
    expect(read.at(-1)).toBe('page-5');
    const rest = await runUntil(plan, {});
    expect([rest.read[0], rest.done]).toEqual(['page-6', true]);
    expect(madeBy(plan.output)).toEqual(madeBy(whole.output));
    // A run that is asked before it begins does nothing.
    await expect(lastValueFrom(run(await planOf(folder, 'none'), { stop: stop.signal }))).rejects.toThrow(
      'interrupted',
    );
  });

  it('starts over when its saved progress is damaged, and says what to do when its rows have gone', async () => {
    const folder = restartProject();
    const whole = await planOf(folder, 'whole');
    await runUntil(whole, {});
    const plan = await planOf(folder, 'damaged');
    await runUntil(plan, { pages: 6 });
    const clean = join(plan.output, 'clean');
    const progress = join(clean, 'checkpoints/rows.json');
    const text = readFileSync(progress, 'utf8');
    rmSync(join(clean, 'rows'), { recursive: true });
    await expect(runUntil(plan, {})).rejects.toThrow(
      /the stage cannot go on where it was interrupted[\s\S]*remove the stage's folder/,
    );
    writeFileSync(progress, text.slice(0, 100));
    const { read, done } = await runUntil(plan, {});
    expect([read[0], done]).toEqual(['page-0', true]);
    expect(madeBy(plan.output)).toEqual(madeBy(whole.output));
    const report = JSON.parse(readFileSync(join(plan.output, 'report.json'), 'utf8')) as RunReport;
    expect(report.stages[0]?.notes).toEqual([
      'rows.json of its progress is not as it was written, so the stage starts over',
    ]);
  });
});
