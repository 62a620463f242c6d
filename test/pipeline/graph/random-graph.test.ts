import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { lastValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batchOf, int32Column } from '../../../pipeline/batch/build.js';
import { createBudget } from '../../../pipeline/graph/budget.js';
import { untilAborted } from '../../../pipeline/graph/until-aborted.js';
import type { PlannedBranch, PlannedSink } from '../../../pipeline/plan/plan.js';
import { openRows } from '../../../pipeline/run/stage-rows.js';
import { fuzzRuns } from '../manifest/mutations.js';
import { type Graph, graph, poolOf, sinkOf, sourcesOf, stepOf, turns, type Waits } from './random-graph.js';

const { schema } = batchOf({ n: int32Column([]) });
/** Bytes of a row: its number and its origin. */
const ROW = 12;
/** Rows that a mixture takes at once, more than any source's batch. */
const BLOCK = 256;
/** Nothing that is not stuck takes so many turns of the event loop. */
const STUCK = 5_000_000;

interface Way {
  readonly memory: number;
  readonly waits: Waits;
  /** The first step fails with the batch that has this row. */
  readonly failAt?: number;
  /** The run is aborted after so many turns. */
  readonly abortAfter?: number;
}

const atOnce: Way = { memory: 1e9, waits: async () => undefined };

/** Runs a graph to its end, whatever that is, and tells what is left behind. */
async function run(spec: Graph, { memory, waits, failAt, abortAfter }: Way) {
  const reading = new Set<string>();
  const budget = createBudget(memory);
  const abort = new AbortController();
  const dropped: string[] = [];
  const steps = spec.steps.map((step, i) => stepOf(step, i, waits, i === 0 ? failAt : undefined));
  const rejecting = steps.filter((_, i) => {
    const step = spec.steps[i]!;
    return step.kind === 'keep' && step.rejects && !(i === 0 && failAt !== undefined);
  });
  const sinks = {
    rows: sinkOf(spec.sinkWait, waits),
    beside: sinkOf(1, waits),
    rejected: sinkOf(spec.sinkWait, waits),
  };
  const branch = (name: 'beside' | 'rejected', own: Graph['steps'], rejectedBy: readonly string[]) =>
    ({
      name,
      folder: tmpdir(),
      rejectedBy,
      input: schema,
      output: schema,
      steps: own.map((step, i) => stepOf(step, 100 + i, waits)),
      sink: { sink: sinks[name].sink, options: {}, use: 'test/sink' },
    }) as unknown as PlannedBranch;
  const branches = [
    ...(spec.beside === undefined ? [] : [branch('beside', spec.beside, [])]),
    ...(rejecting.length === 0
      ? []
      : [
          branch(
            'rejected',
            spec.rejected,
            rejecting.map(({ label }) => label),
          ),
        ]),
  ];
  const rows = openRows({
    reading: {
      mayBeEmpty: false,
      schema: batchOf({ n: int32Column([]) }).schema,
      stage: 'graph',
      seed: 7,
      folder: tmpdir(),
      base: tmpdir(),
      sources: sourcesOf(spec, waits, reading) as never,
      mixing: spec.mixing,
      steps,
    },
    branches,
    pool: poolOf(spec.poolWorkers, waits),
    budget,
    signal: abort.signal,
    drop: ({ operator, reason, row }) => dropped.push(`${operator} ${reason} ${row}`),
    room: async () => undefined,
    note: () => undefined,
  });
  const sink = { sink: sinks.rows.sink, options: {}, use: 'test/sink' } as unknown as PlannedSink;
  const writing = rows.write(rows.rows(), sink, schema, tmpdir()).pipe(untilAborted(abort.signal));
  let ended = false;
  const end = lastValueFrom(writing, { defaultValue: undefined })
    .then(
      () => 'done',
      (error: Error) => error.message,
    )
    .finally(() => {
      ended = true;
    });
  if (abortAfter !== undefined) void turns(abortAfter).then(() => abort.abort(new Error('aborted')));
  for (let i = 0; !ended && i < STUCK; i++) await turns(1);
  if (!ended) throw new Error('the graph is stuck');
  const how = await end;
  await rows.settled();
  await turns(50);
  return { how, rows, dropped: dropped.sort(), sinks, budget, reading };
}

type Outcome = Awaited<ReturnType<typeof run>>;

const writtenOf = ({ sinks }: Outcome) => [sinks.rows.written, sinks.beside.written, sinks.rejected.written];

/** The most that may be held over the memory: what one block becomes on its way, and what steps keep and give at once. */
function allowance({ steps, beside = [], rejected }: Graph): number {
  const all = [...steps, ...beside, ...rejected];
  const kept = all.reduce((sum, step) => {
    if (step.kind === 'shuffle' || step.kind === 'batch') return sum + step.rows;
    return step.kind === 'gather' ? sum + step.batches * BLOCK : sum;
  }, BLOCK);
  const boundaries = all.filter(({ kind }) => kind === 'async' || kind === 'pool').length + 3;
  return ROW * kept * (boundaries + 2);
}

const rowsOf = ({ sources }: Graph) =>
  sources.flatMap(({ units }) => units.flat()).reduce((sum, size) => sum + size, 0);

describe('any graph', () => {
  it('comes to its end with every row in its place, within its memory, whatever waits for whatever', async () => {
    let held = 0;
    const property = fc.asyncProperty(graph, async (spec) => {
      const expected = await run(spec, atOnce);
      const outcome = await run(spec, { memory: spec.memory, waits: turns });
      expect(outcome.how).toBe('done');
      expect(writtenOf(outcome)).toEqual(writtenOf(expected));
      expect(outcome.dropped).toEqual(expected.dropped);
      for (const { operator, rowsIn, rowsOut, dropped } of outcome.rows.accounts) {
        const lost = [...dropped.values()].reduce((sum, count) => sum + count, 0);
        expect([operator, rowsIn]).toEqual([operator, rowsOut + lost]);
      }
      if (spec.mixing.until === 'all' || spec.sources.length === 1)
        expect(outcome.rows.accounts[0]!.rowsIn).toBe(rowsOf(spec));
      expect(outcome.budget.held).toBe(0);
      expect(outcome.budget.peak).toBeLessThanOrEqual(spec.memory + allowance(spec));
      expect(outcome.reading).toEqual(new Set());
      held = Math.max(held, outcome.budget.peak);
    });
    await fc.assert(property, fuzzRuns(60));
    expect(held).toBeGreaterThan(0);
  });

  it('ends with the error of a step, and leaves nothing open or held', async () => {
    let failed = 0;
    const withStep = graph.filter(({ steps }) => steps.length > 0);
    const property = fc.asyncProperty(withStep, fc.integer({ min: 0, max: 200 }), async (spec, failAt) => {
      const outcome = await run(spec, { memory: spec.memory, waits: turns, failAt });
      if (outcome.how !== 'done') failed++;
      expect(outcome.how).toMatch(/^done$|the operator failed: made to fail/);
      expect(outcome.sinks.rows.state).toEqual({ closed: outcome.how === 'done', aborted: outcome.how !== 'done' });
      expect(outcome.budget.held).toBe(0);
      expect(outcome.reading).toEqual(new Set());
    });
    await fc.assert(property, fuzzRuns(40));
    expect(failed).toBeGreaterThan(5);
  });

  it('stops at any moment, and leaves nothing open or held', async () => {
    let stopped = 0;
    const property = fc.asyncProperty(graph, fc.integer({ min: 0, max: 60 }), async (spec, abortAfter) => {
      const outcome = await run(spec, { memory: spec.memory, waits: turns, abortAfter });
      if (outcome.how === 'aborted') stopped++;
      expect(['done', 'aborted']).toContain(outcome.how);
      expect(outcome.budget.held).toBe(0);
      expect(outcome.reading).toEqual(new Set());
    });
    await fc.assert(property, fuzzRuns(40));
    expect(stopped).toBeGreaterThan(5);
  });
});
