import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RecordBatch } from 'apache-arrow';
import {
  concat,
  defer,
  EMPTY,
  filter,
  ignoreElements,
  lastValueFrom,
  map,
  NEVER,
  Observable,
  of,
  tap,
  toArray,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batchOf, int32Column } from '../../../pipeline/batch/build.js';
import { takeRows } from '../../../pipeline/batch/select.js';
import { AlignflowError } from '../../../pipeline/errors.js';
import type { StageEvent } from '../../../pipeline/metrics.js';
import { defineOperator } from '../../../pipeline/operator.js';
import type { Plan, PlannedStage } from '../../../pipeline/plan/plan.js';
import type { RunEvent } from '../../../pipeline/run/events.js';
import type { RunReport } from '../../../pipeline/run/report.js';
import { run } from '../../../pipeline/run/run.js';
import { defineSource } from '../../../pipeline/source.js';
import { defineStage, type StageContext } from '../../../pipeline/stage.js';
import { makeFolder } from '../folder.js';

const { schema } = batchOf({ n: int32Column([]) });
const numbers = defineSource({
  name: 'source/numbers',
  defaults: {},
  schema: async (_: object) => schema,
  units: async () => [{ file: 'numbers', rows: 4 }],
  async *read() {
    yield batchOf({ n: int32Column([1, 2, 3, 4]) });
  },
});

type Work = (context: StageContext) => Observable<StageEvent>;

/** A plan of stages that do what a test wants, over the numbers 1 to 4. */
function planOf(output: string, stages: Record<string, Work | { work: Work; more: Partial<PlannedStage> }>): Plan {
  const planned = Object.entries(stages).map(([name, given]): PlannedStage => {
    const { work, more } = typeof given === 'function' ? { work: given, more: {} } : given;
    const stage = defineStage({
      name: `kind-of-${name}`,
      defaults: {},
      takes: { rows: 'required' },
      reads: (_: object) => ({}),
      plan: () => ({ hands: {} }),
      run: (_, _inputs, context) => work(context),
    });
    const source = { source: numbers, options: {}, use: numbers.name };
    return {
      name,
      stage,
      options: {},
      folder: join(output, name),
      seed: 1,
      rows: { schema, from: source },
      steps: [],
      branches: [],
      inputs: { name, seed: 1, rows: schema },
      facts: { hands: {} },
      gates: [],
      needs: [],
      fingerprint: `print-of-${name}`,
      ...more,
    } as unknown as PlannedStage;
  });
  return {
    file: 'm.yaml',
    folder: output,
    name: 'test',
    seed: 7,
    output,
    baseline: undefined,
    workers: undefined,
    key: undefined,
    memory: 1e6,
    stages: planned,
    resolved: 'name: test\n',
  };
}

const start = (plan: Plan, signal?: AbortSignal) => {
  const events: RunEvent[] = [];
  const options = { backend: 'none', ...(signal === undefined ? {} : { signal }) };
  const done = lastValueFrom(
    run(plan, options).pipe(
      tap((event) => events.push(event)),
      toArray(),
    ),
  );
  return { events, done };
};
const reportOf = (plan: Plan) => JSON.parse(readFileSync(join(plan.output, 'report.json'), 'utf8')) as RunReport;
const result = (value: number): StageEvent => ({ kind: 'result', task: 't', metric: 'm', value });
const read: Work = (context) => context.rows().pipe(ignoreElements());
const writes =
  (file: string, text: string): Work =>
  (context) =>
    defer(() => {
      writeFileSync(join(context.folder, file), text);
      return of(result(1));
    });

describe('run', () => {
  it('runs stages in order, tells of each, and leaves marks, tables and a report', async () => {
    const plan = planOf(makeFolder({}), { a: read, b: writes('model.bin', 'abc') });
    const { events, done } = start(plan);
    await done;
    expect(events.map(({ kind, ...event }) => ('stage' in event ? `${kind} ${event.stage}` : kind))).toEqual([
      'run-started',
      'stage-started a',
      'stage-complete a',
      'stage-started b',
      'stage-event b',
      'stage-complete b',
      'run-complete',
    ]);
    expect(readdirSync(join(plan.output, 'b')).sort()).toEqual(
      ['ledger.parquet', 'manifest.yaml', 'metrics.parquet', 'model.bin', 'stage.json', 'started.json'].sort(),
    );
    expect(readdirSync(plan.output).sort()).toEqual(['a', 'b', 'manifest.yaml', 'report.html', 'report.json']);
    const [a, b] = reportOf(plan).stages;
    expect(a).toMatchObject({ name: 'a', use: 'kind-of-a', status: 'complete', rows: { in: 4, out: 4, ledger: 0 } });
    expect(b?.metrics).toEqual([{ task: 't', metric: 'm', value: 1 }]);
  });

  it('has digests of figures too, where they are what the stage made', async () => {
    const scores = (value: number, ...more: StageEvent[]): Work => {
      const result: StageEvent = { kind: 'result', task: 't', metric: 'm', value };
      return (context) => concat(context.rows().pipe(ignoreElements()), of<StageEvent[]>(...more, result));
    };
    const step: StageEvent = { kind: 'step', step: 1, samples: 4, values: { loss: 2 } };
    const stages = { a: scores(1), b: scores(1), c: scores(2), d: scores(1, step), e: scores(2, step) };
    const plan = planOf(makeFolder({}), stages);
    await start(plan).done;
    const [a, b, c, d, e] = reportOf(plan).stages.map(({ digest }) => digest);
    expect(a).toBe(b);
    expect(c).not.toBe(a);
    expect(d).toBe(e); // Figures of training tell of times.
  });

  it('skips what is complete, runs again what has another fingerprint or has lost a file', async () => {
    const output = makeFolder({});
    const stages = { a: writes('x', 'abc'), b: writes('y', 'de') };
    await start(planOf(output, stages)).done;
    const digests = reportOf(planOf(output, stages)).stages.map(({ digest }) => digest);
    const second = start(planOf(output, stages));
    await second.done;
    expect(second.events.map(({ kind }) => kind)).toEqual([
      'run-started',
      'stage-skipped',
      'stage-skipped',
      'run-complete',
    ]);
    const skipped = reportOf(planOf(output, stages)).stages;
    expect(skipped.map(({ status }) => status)).toEqual(['skipped', 'skipped']);
    expect(skipped.map(({ digest }) => digest)).toEqual(digests);

    writeFileSync(join(output, 'a/x'), 'ab');
    const third = start(planOf(output, { ...stages, b: { work: stages.b, more: { fingerprint: 'other' } } }));
    await third.done;
    expect(third.events.filter(({ kind }) => kind === 'stage-complete')).toHaveLength(2);
    const shown = third.events.flatMap((event) => ('digest' in event ? [event.digest] : []));
    expect(shown).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), expect.stringMatching(/^[0-9a-f]{64}$/)]);
  });

  it('ends with the first error, names its stage, reports it, and goes on from there', async () => {
    const output = makeFolder({});
    let broken = true;
    const fails: Work = () =>
      defer(() => {
        if (broken) throw new TypeError('x is undefined');
        return EMPTY;
      });
    const plan = planOf(output, { a: read, b: fails, c: read });
    const { events, done } = start(plan);
    await expect(done).rejects.toThrow('stage b: the stage failed: x is undefined');
    expect(events.some((event) => 'stage' in event && event.stage === 'c')).toBe(false);
    const { stages } = reportOf(plan);
    expect(stages.map(({ name, status }) => [name, status])).toEqual([
      ['a', 'complete'],
      ['b', 'failed'],
    ]);
    expect(stages[1]?.notes?.[0]).toContain('x is undefined');
    expect(existsSync(join(output, 'b/stage.json'))).toBe(false);
    expect(readdirSync(join(output, 'b')).filter((name) => name.endsWith('.tmp'))).toEqual([]);

    broken = false;
    const again = start(plan);
    await again.done;
    expect(again.events.map(({ kind }) => kind)).toContain('stage-skipped');
    expect(reportOf(plan).stages.map(({ status }) => status)).toEqual(['skipped', 'complete', 'complete']);
  });

  it('ends with a missed gate, with the figures of the stage in the report', async () => {
    const least = { value: 2, inclusive: true };
    const gates = [{ metric: 'm', condition: '>= 2', at: { file: 'm.yaml', line: 3, column: 9 }, least }] as never;
    const plan = planOf(makeFolder({}), { score: { work: () => of(result(1.5)), more: { gates } }, after: read });
    await expect(start(plan).done).rejects.toThrow('m.yaml:3:9, stage score: m is 1.5, but >= 2 is required');
    expect(reportOf(plan).stages).toMatchObject([
      { status: 'failed', metrics: [{ metric: 'm', value: 1.5 }], gates: [{ rule: '>= 2', passed: false }] },
    ]);
    expect(existsSync(join(plan.output, 'score/stage.json'))).toBe(false);
  });

  it('stops a stage that waits for ever, by a signal and by unsubscribing', async () => {
    let stopped = 0;
    const waits: Work = () =>
      new Observable<StageEvent>((subscriber) => {
        subscriber.next(result(1));
        return () => stopped++;
      });
    const abort = new AbortController();
    const plan = planOf(makeFolder({}), { a: waits });
    const { done } = start(plan, abort.signal);
    setTimeout(() => abort.abort(new AlignflowError({ what: 'interrupted' })), 100);
    await expect(done).rejects.toThrow('stage a: interrupted');
    expect(stopped).toBe(1);

    const other = planOf(makeFolder({}), { a: waits });
    const first = run(other, { backend: 'none' }).pipe(filter(({ kind }) => kind === 'stage-event'));
    await new Promise<void>((resolve) => {
      const subscription = first.subscribe(() => {
        subscription.unsubscribe();
        resolve();
      });
    });
    await until(() => !existsSync(join(other.output, 'run.lock')));
    expect(stopped).toBe(2);
  });

  it.each([
    [undefined, 'stage a: the run was aborted\n'],
    [new Error('enough'), 'stage a: the run was aborted: enough\n'],
    ['enough', 'stage a: the run was aborted: enough\n'],
  ])('tells of an abort as one, whatever its reason is: %s', async (reason, message) => {
    const abort = new AbortController();
    const plan = planOf(makeFolder({}), { a: () => NEVER });
    const { events, done } = start(plan, abort.signal);
    const told = done.catch((error: unknown) => error as AlignflowError);
    await until(() => events.some(({ kind }) => kind === 'stage-started'));
    abort.abort(reason);
    const error = await told;
    expect(error).toBeInstanceOf(AlignflowError);
    expect((error as AlignflowError).message).toContain(message);
    expect((error as AlignflowError).message).not.toContain('defect');
    expect((error as AlignflowError).cause).toBe(abort.signal.reason);
    expect(reportOf(plan).stages[0]!.notes).toEqual([(error as AlignflowError).message]);
  });

  it('does not begin with a signal that is aborted already', async () => {
    const plan = planOf(makeFolder({}), { a: writes('x', 'y') });
    await expect(start(plan, AbortSignal.abort()).done).rejects.toThrow('the run was aborted');
    expect(readdirSync(plan.output)).not.toContain('a');
  });

  it('refuses a second run on its folder while it lasts', async () => {
    const abort = new AbortController();
    const plan = planOf(makeFolder({}), { a: () => NEVER });
    const { events, done } = start(plan, abort.signal);
    await until(() => events.some(({ kind }) => kind === 'stage-started'));
    await expect(start(plan).done).rejects.toThrow('the output folder is in use');
    abort.abort(new AlignflowError({ what: 'interrupted' }));
    await expect(done).rejects.toThrow('interrupted');
    expect(existsSync(join(plan.output, 'a/started.json'))).toBe(true);
  });

  it('finds an operator that loses rows, in stages that write and in those that do not', async () => {
    const lossy = defineOperator({
      name: 'filter/lossy',
      defaults: {},
      reads: (_: object) => ({}),
      writes: (incoming) => incoming,
      run: () => map((batch: RecordBatch) => takeRows(batch, Uint32Array.of(0, 2, 3))),
    });
    const steps = [{ operator: lossy, options: {}, label: 'filter/lossy[0]', seed: 1, output: schema }] as never;
    const plan = planOf(makeFolder({}), { a: { work: read, more: { steps } } });
    await expect(start(plan).done).rejects.toThrow(
      'stage a, operator filter/lossy[0]: 4 rows went in, 3 came out and 0 were dropped: 1 were lost',
    );
  });

  it('never empties a folder that it did not make', async () => {
    const output = makeFolder({ 'data/photo.jpg': 'precious' });
    await expect(start(planOf(output, { data: read })).done).rejects.toThrow('files that alignflow did not write');
    expect(readFileSync(join(output, 'data/photo.jpg'), 'utf8')).toBe('precious');
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}
