/**
 * Random dataflow graphs over random rows: sources that are mixed, steps of every kind (synchronous, asynchronous, in a pool, row
 * keepers), branches, slow sinks, small budgets. Waiting is counted in turns of the event loop, so that nothing depends on time.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RecordBatch } from 'apache-arrow';
import { Int32 } from 'apache-arrow';
import fc from 'fast-check';
import { bufferCount, from, lastValueFrom, map, mergeMap, of, toArray } from 'rxjs';
import orderBatch from '../../../operators/order/batch.js';
import orderShuffle from '../../../operators/order/shuffle.js';
import { batchOf, int32Column } from '../../../pipeline/batch/build.js';
import { readColumn } from '../../../pipeline/batch/column.js';
import { concatBatches, sliceBatch } from '../../../pipeline/batch/concat.js';
import { keepRows } from '../../../pipeline/batch/select.js';
import { createBudget } from '../../../pipeline/graph/budget.js';
import type { Distribution } from '../../../pipeline/graph/distribution.js';
import { mapAsync } from '../../../pipeline/graph/map-async.js';
import { type Drop, operatorContext } from '../../../pipeline/graph/operator-context.js';
import { defineOperator, type Operator } from '../../../pipeline/operator.js';
import type { Options } from '../../../pipeline/plan/plan.js';
import type { WorkerPool } from '../../../pipeline/pool/worker-pool.js';
import type { LoadedStep } from '../../../pipeline/run/read-rows.js';
import { defineSink } from '../../../pipeline/sink.js';
import { defineSource } from '../../../pipeline/source.js';
import { memoryScores } from '../../kit/context.js';

/** Waits for so many turns of the event loop. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await nextTurn();
}

const wait = fc.integer({ min: 0, max: 4 });
const part = fc.integer({ min: 2, max: 5 });

const step = fc.oneof(
  fc.record({ kind: fc.constant('keep' as const), part, rejects: fc.boolean() }),
  fc.record({ kind: fc.constant('async' as const), wait, concurrency: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('pool' as const), part, wait }),
  fc.record({ kind: fc.constant('split' as const) }),
  fc.record({ kind: fc.constant('gather' as const), batches: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ kind: fc.constant('shuffle' as const), rows: fc.integer({ min: 1, max: 40 }) }),
  fc.record({ kind: fc.constant('batch' as const), rows: fc.integer({ min: 1, max: 12 }) }),
);

const source = fc.record({
  units: fc.array(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 5 }), { minLength: 1, maxLength: 3 }),
  wait,
  weight: fc.integer({ min: 1, max: 5 }),
});

/** A graph as a value. */
export const graph = fc.record({
  sources: fc.array(source, { minLength: 1, maxLength: 3 }),
  mixing: fc.record({
    by: fc.constantFrom('weight' as const, 'exhaustion' as const),
    until: fc.constantFrom('all' as const, 'first' as const),
  }),
  steps: fc.array(step, { maxLength: 5 }),
  /** Steps of the branch of all rows; there is none without. */
  beside: fc.option(fc.array(step, { maxLength: 3 }), { nil: undefined }),
  /** Steps of the branch of the rows that `keep` steps with `rejects` drop. */
  rejected: fc.array(step, { maxLength: 2 }),
  sinkWait: wait,
  poolWorkers: fc.integer({ min: 1, max: 3 }),
  /** Bytes: from less than one batch to more than all rows. */
  memory: fc.oneof(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 400, max: 20_000 })),
});

/** What `graph` makes. */
export type Graph = typeof graph extends fc.Arbitrary<infer Value> ? Value : never;
type StepSpec = Graph['steps'][number];

/** Where a graph waits; a graph that waits nowhere is the reference for what comes out. */
export type Waits = (asked: number) => Promise<void>;

/** The sources of a graph, numbering their rows, and whether they are being read. */
export function sourcesOf({ sources }: Graph, waits: Waits, reading: Set<string>) {
  let next = 0;
  return sources.map((spec, i) => {
    const first = spec.units.map((sizes) => {
      const start = next;
      next += sizes.reduce((sum, size) => sum + size, 0);
      return start;
    });
    const made = defineSource({
      name: `test/source-${i}`,
      defaults: {},
      schema: async () => batchOf({ n: int32Column([]) }).schema,
      units: async () => spec.units.map((_, unit) => ({ file: String(unit) })),
      async *read({ file }) {
        const key = `${i}:${file}`;
        reading.add(key);
        try {
          let n = first[Number(file)]!;
          for (const size of spec.units[Number(file)]!) {
            await waits(spec.wait);
            yield batchOf({ n: int32Column(Array.from({ length: size }, () => n++)) });
          }
        } finally {
          reading.delete(key);
        }
      },
    });
    return { source: made, options: {}, weight: spec.weight, module: '' };
  });
}

/** One step of a graph as an operator of a stage. */
export function stepOf(spec: StepSpec, place: number, waits: Waits, failAt?: number): LoadedStep {
  const label = `test/${spec.kind}[${place}]`;
  const operator = (failAt === undefined ? operatorOf(spec, waits) : failing(failAt)) as Operator<Options>;
  const options = { ...operator.defaults, ...optionsOf(spec) };
  const output = batchOf({ n: int32Column([]) }).schema;
  return {
    operator,
    options,
    label,
    seed: place + 1,
    output,
    code: undefined,
    module: 'test',
    holds: operator.holds(options),
  };
}

function optionsOf(spec: StepSpec): Options {
  if (spec.kind === 'shuffle') return { rows: spec.rows };
  if (spec.kind === 'batch') return { rows: spec.rows, last: 'keep' };
  return {};
}

function operatorOf(spec: StepSpec, waits: Waits): Operator<never> {
  const base = {
    name: 'test/step',
    defaults: {},
    reads: (_: object) => ({ n: new Int32() }),
    writes: <S>(schema: S) => schema,
  };
  switch (spec.kind) {
    case 'shuffle':
      return orderShuffle as Operator<never>;
    case 'batch':
      return orderBatch as Operator<never>;
    case 'keep':
    case 'pool': {
      const heavy = spec.kind === 'pool';
      return defineOperator({
        ...base,
        drops: ['part'],
        heavy,
        run: (_, context) =>
          map((batch) => {
            const numbers = readColumn(batch, 'n', Int32);
            return keepRows(batch, context, (row) => (numbers.get(row)! % spec.part === 1 ? 'part' : undefined));
          }),
      });
    }
    case 'async':
      return defineOperator({
        ...base,
        run: (_, context) =>
          mapAsync(
            context,
            async (batch) => {
              await waits(spec.wait + (batch.numRows % 3));
              return batch;
            },
            { concurrency: spec.concurrency },
          ),
      });
    case 'split':
      return defineOperator({
        ...base,
        run: () =>
          mergeMap((batch) => from(Array.from({ length: batch.numRows }, (_, row) => sliceBatch(batch, row, row + 1)))),
      });
    case 'gather':
      return defineOperator({
        ...base,
        run: () => (batches) => batches.pipe(bufferCount(spec.batches), map(concatBatches)),
      });
  }
}

/** Fails with the batch that has the row `failAt`, or a later one. */
function failing(failAt: number): Operator<never> {
  return defineOperator({
    name: 'test/failing',
    defaults: {},
    reads: (_: object) => ({}),
    writes: (schema) => schema,
    run: () =>
      map((batch) => {
        if ([...readColumn(batch, 'n', Int32)].some((n) => n! >= failAt)) throw new Error('made to fail');
        return batch;
      }),
  });
}

/** A pool in this thread: each batch is worked on by itself, and is ready when it likes. */
export function poolOf(workers: number, waits: Waits): WorkerPool {
  let busy = 0;
  return {
    workers,
    async run(step, batch) {
      busy++;
      await waits((batch.numRows * 7 + busy) % 5);
      const { operator, options, label, seed, stage, folder } = step as typeof step & Pick<LoadedStep, 'operator'>;
      const dropped: Drop[] = [];
      const { signal } = new AbortController();
      const surroundings = {
        stage,
        operator: label,
        seed,
        folder,
        signal,
        budget: createBudget(1e9),
        scores: memoryScores(),
      };
      const measured = new Map<string, Distribution>();
      const context = operatorContext(surroundings, operator, { take: (drop) => dropped.push(drop), measured });
      const batches = await lastValueFrom(of(batch).pipe(operator.run(options, context), toArray<RecordBatch>()));
      busy--;
      return { batches, dropped, measured };
    },
    close: async () => undefined,
  };
}

/** A sink that takes its time and remembers the numbers that it was given, until it is aborted. */
export function sinkOf(wait: number, waits: Waits) {
  const written: number[] = [];
  const state = { closed: false, aborted: false };
  const sink = defineSink({
    name: 'test/sink',
    defaults: {},
    open: async () => ({
      async write(batch) {
        await waits(wait);
        written.push(...[...readColumn(batch, 'n', Int32)].map((n) => n!));
      },
      async close() {
        state.closed = true;
        return [];
      },
      async abort() {
        state.aborted = true;
      },
    }),
  });
  return { sink, written, state };
}
