/** What the engine itself costs: time per batch and operator, the start of a command, the memory of a run. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RecordBatch } from 'apache-arrow';
import { from, lastValueFrom, map, type OperatorFunction } from 'rxjs';
import { batchOf, int32Column } from '../../pipeline/batch/build.js';
import { withOrigin } from '../../pipeline/batch/origin.js';
import { createBudget } from '../../pipeline/graph/budget.js';
import { chain, type Step } from '../../pipeline/graph/chain.js';
import { defineOperator, type Operator } from '../../pipeline/operator.js';
import type { Options } from '../../pipeline/plan/plan.js';
import type { Figure } from './figures.js';
import { measureCommand } from './measured-command.js';

const BATCHES = 20_000;
const OPERATORS = 10;
const TURNS = 5;

const same = defineOperator({
  name: 'bench/same',
  defaults: {},
  reads: (_config: object) => ({}),
  writes: (schema) => schema,
  run: () => map((batch) => batch),
});

/** Microseconds that the engine adds to each batch at each operator: its chain of operators that do nothing, less rxjs's own. */
export async function measureOverhead(): Promise<{ readonly microseconds: number; readonly figure: Figure }> {
  const plain = batchOf({ n: int32Column([1, 2, 3]) });
  const batches = Array.from({ length: BATCHES }, (_, row) => withOrigin(plain, { epoch: 0, unit: 0, row }));
  const steps = Array.from(
    { length: OPERATORS },
    (_, i): Step => ({
      operator: same as Operator as Operator<Options>,
      options: {},
      label: `bench/same[${i}]`,
      seed: i,
      output: plain.schema,
    }),
  );
  const { signal } = new AbortController();
  const context = { stage: 'bench', signal, budget: createBudget(1e9), folder: '', units: [], drop: () => undefined };
  const bare: OperatorFunction<RecordBatch, RecordBatch> = (source) =>
    steps.reduce((stream) => stream.pipe(map((batch) => batch)), source);
  const timeOf = async (operator: OperatorFunction<RecordBatch, RecordBatch>) => {
    const began = performance.now();
    await lastValueFrom(from(batches).pipe(operator));
    return performance.now() - began;
  };
  const added: number[] = [];
  for (let turn = 0; turn <= TURNS; turn++) {
    const ours = await timeOf(chain(steps, context).run);
    const own = await timeOf(bare);
    if (turn > 0) added.push((1000 * (ours - own)) / (BATCHES * OPERATORS)); // The first turn warms up.
  }
  const value = median(added);
  const figure = {
    name: 'engine, per batch and operator',
    value: `${value.toFixed(2)} microseconds`,
    wanted: 'at most 20',
    met: value <= 20,
  };
  return { microseconds: value, figure };
}

/** Seconds of `alignflow check` on the emoji manifest with an empty cache, and with a filled one. */
export async function measureCheck(repository: string): Promise<Figure[]> {
  const cache = await mkdtemp(join(tmpdir(), 'alignflow-bench-'));
  try {
    const check = () =>
      measureCommand('node', ['stages/alignflow.js', 'check', 'manifests/emoji.yaml'], {
        folder: repository,
        environment: { ALIGNFLOW_CACHE: cache },
      });
    const cold: number[] = [];
    const warm: number[] = [];
    for (let turn = 0; turn < TURNS; turn++) {
      await rm(cache, { recursive: true, force: true });
      cold.push((await check()).seconds);
      warm.push((await check()).seconds);
    }
    return [['cold', cold, 1] as const, ['warm', warm, 0.3] as const].map(([name, seconds, most]) => ({
      name: `check of emoji.yaml, ${name} cache`,
      value: `${median(seconds).toFixed(2)} s`,
      wanted: `at most ${most} s`,
      met: median(seconds) <= most,
    }));
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
}

/** Turns of what is compared: single runs of the same rows differ by a tenth, as V8 collects sooner or later. */
const COMPARED = 11;

/** Bytes that a run may have resident beside the `memory` of its manifest. */
export const BESIDE = 300e6;

/**
 * The most memory of runs with `memory: 256MB`: 2 GB of rows and 20 GB through a sink that takes 2 ms for each batch of 6.4 MB,
 * 2 GB through one that takes 50 ms, slower than the rows are made, and 6 GB into Parquet files and out of them. Medians, of runs by turns.
 */
export async function measureMemory(repository: string): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'alignflow-bench-'));
  const most = 256e6 + BESIDE;
  const peakOf = async (manifest: string, set: readonly string[]) => {
    const output = join(folder, 'run');
    await rm(output, { recursive: true, force: true });
    const options = [`output=${output}`, ...set].flatMap((override) => ['--set', override]);
    const command = ['stages/alignflow.js', 'run', `test/bench/flow/${manifest}`, ...options];
    return (await measureCommand('node', command, { folder: repository })).peakBytes;
  };
  try {
    const bytes = (size: string) => `stages.all.source.with.bytes=${size}`;
    const runs = [
      ['flow.yaml', bytes('2GB')],
      ['flow.yaml', bytes('20GB')],
      ['flow.yaml', bytes('2GB'), 'stages.all.sink.with.delay=50'],
      ['files.yaml'],
    ] as const;
    const peaks = runs.map((): number[] => []);
    for (let turn = 0; turn < COMPARED; turn++) {
      const turns = runs.slice(0, turn < TURNS ? runs.length : 2);
      for (const [i, [manifest, ...set]] of turns.entries()) peaks[i]!.push(await peakOf(manifest, set));
    }
    const [few, many, slow, files] = peaks.map(median) as [number, number, number, number];
    const figure = (name: string, peak: number): Figure => ({
      name: `peak resident memory, ${name}`,
      value: `${(peak / 1e6).toFixed(0)} MB`,
      wanted: `at most ${most / 1e6} MB`,
      met: peak <= most,
    });
    const ratio = many / few;
    return [
      figure('2 GB of rows', few),
      figure('20 GB of rows', many),
      { name: '20 GB against 2 GB', value: ratio.toFixed(2), wanted: 'within 10 %', met: Math.abs(ratio - 1) <= 0.1 },
      figure('2 GB of rows, a slow sink', slow),
      figure('6 GB of rows, into Parquet files and out of them', files),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a worker may have resident while its rows are read slowly. */
const WORKER = 150e6;

/** The most memory of a worker that a program in Python gives 400 MB in batches of 2 MB, and reads 20 ms a batch. */
export async function measureWorker(repository: string, python: string): Promise<Figure> {
  const worker = ['node', 'stages/alignflow.js', 'worker', 'test/bench/flow/flow.yaml', '--stage', 'all'];
  const { output } = await measureCommand(python, ['test/bench/peers/worker_host.py', '20', ...worker], {
    folder: repository,
  });
  const { code, rows, peakBytes } = JSON.parse(output) as { code: number; rows: number; peakBytes: number };
  if (code !== 0 || rows !== 3000) throw new Error(`the worker ended with code ${code} after ${rows} rows of 3000`);
  return {
    name: 'peak resident memory of a worker, 400 MB to a slow reader in Python',
    value: `${(peakBytes / 1e6).toFixed(0)} MB`,
    wanted: `under ${WORKER / 1e6} MB`,
    met: peakBytes < WORKER,
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
