/** What the engine itself costs: time per batch and operator, the start of a command. */
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
export async function measureOverhead(): Promise<Figure> {
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
  return {
    name: 'engine, per batch and operator',
    value: `${value.toFixed(2)} microseconds`,
    wanted: 'at most 20',
    met: value <= 20,
  };
}

/** Seconds of `alignflow check` on the emoji manifest with an empty cache, and with a filled one. */
export async function measureCheck(repository: string): Promise<Figure[]> {
  const cache = await mkdtemp(join(tmpdir(), 'alignflow-bench-'));
  try {
    const check = () =>
      measureCommand('node', ['dist/stages/main.js', 'check', 'manifests/emoji.yaml'], {
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

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
