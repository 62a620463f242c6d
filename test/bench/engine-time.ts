/** The engine's share of the time of a real data set, and the time until the first batch of a run. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { lastValueFrom, tap } from 'rxjs';
import { planManifest } from '../../pipeline/plan/plan-manifest.js';
import { run } from '../../pipeline/run/run.js';
import type { Figure } from './figures.js';

const TURNS = 5;

/**
 * The share of the time of the emoji manifest's data stages that passing batches on takes: batches that were written, times the
 * steps before them and the sink, times what one costs.
 * @param overhead microseconds per batch and operator
 */
export async function measureShare(repository: string, overhead: number): Promise<Figure> {
  const folder = await mkdtemp(join(tmpdir(), 'alignflow-bench-'));
  try {
    const { plan } = await planManifest(join(repository, 'manifests/emoji.yaml'), { set: [`output=${folder}/run`] });
    const stages = plan!.stages.filter(({ stage }) => ['filtering', 'tokenization'].includes(stage.name));
    const steps = new Map(stages.map((stage) => [stage.name, stage.steps.length + stage.branches.length + 3]));
    let passed = 0;
    let seconds = 0;
    const events = run({ ...plan!, stages }).pipe(
      tap((event) => {
        if (event.kind === 'stage-event' && event.event.kind === 'progress') passed += steps.get(event.stage)!;
        if (event.kind === 'stage-complete') seconds += event.seconds;
      }),
    );
    await lastValueFrom(events);
    const share = (passed * overhead) / 1e6 / seconds;
    return {
      name: 'engine, share of the emoji data stages',
      value: `${(100 * share).toFixed(2)} % of ${seconds.toFixed(0)} s`,
      wanted: 'at most 5 %',
      met: share <= 0.05,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Seconds from the start of `alignflow run` to the first batch that is written, with a filled cache. */
export async function measureFirstBatch(repository: string): Promise<Figure> {
  const folder = await mkdtemp(join(tmpdir(), 'alignflow-bench-'));
  const first = async (): Promise<number> => {
    await rm(join(folder, 'run'), { recursive: true, force: true });
    const set = ['--set', `output=${join(folder, 'run')}`, '--set', 'stages.all.source.with.bytes=100MB'];
    const command = ['stages/alignflow.js', 'run', 'test/bench/flow/flow.yaml', ...set, '--events', '-'];
    const began = performance.now();
    const running = spawn('node', command, { cwd: repository, stdio: ['ignore', 'pipe', 'ignore'] });
    const lines = createInterface(running.stdout);
    for await (const line of lines) if (line.includes('"progress"')) break;
    const seconds = (performance.now() - began) / 1000;
    running.kill('SIGKILL');
    return seconds;
  };
  try {
    await first();
    const seconds: number[] = [];
    for (let turn = 0; turn < TURNS; turn++) seconds.push(await first());
    const median = seconds.sort((a, b) => a - b)[TURNS >> 1]!;
    return {
      name: 'run, until the first batch is written',
      value: `${median.toFixed(2)} s`,
      wanted: 'at most 1 s',
      met: median <= 1,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
