import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Field, Int32, type RecordBatch, Schema } from 'apache-arrow';
import { lastValueFrom, type Observable, take, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { streamDifference } from '../../../pipeline/batch/equal.js';
import { createBudget } from '../../../pipeline/graph/budget.js';
import type { DroppedRow } from '../../../pipeline/graph/chain.js';
import type { Operator } from '../../../pipeline/operator.js';
import type { Options } from '../../../pipeline/plan/plan.js';
import { type Reading, type ReadingEnvironment, readRows } from '../../../pipeline/run/read-rows.js';
import { readRowsInThread } from '../../../pipeline/run/rows-thread.js';
import type { Source, Unit } from '../../../pipeline/source.js';

// A thread has no TypeScript: it runs the compiled worker, and operators that are written against the compiled package.
const compiled = (path: string) => new URL(`../../../dist/pipeline/${path}`, import.meta.url);
const worker = { module: compiled('run/rows-worker.js'), pool: compiled('pool/pool-worker.js'), workers: 0 };
const folder = mkdtempSync(join(tmpdir(), 'alignflow-thread-'));
const schema = new Schema([new Field('n', new Int32(), true)]);
const definitions = new Map<string, unknown>();

/** Writes a module and loads it here too. */
async function define(name: string, body: string): Promise<void> {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(
    file,
    `import { filter, map, tap } from ${JSON.stringify(import.meta.resolve('rxjs'))};
     import { batchOf, defineOperator, defineSource, int32Column, keepRows, readColumn } from ${JSON.stringify(compiled('index.js').href)};
     import { Field, Int32, Schema } from ${JSON.stringify(import.meta.resolve('apache-arrow'))};
     const schema = new Schema([new Field('n', new Int32(), true)]);
     ${body}`,
  );
  definitions.set(name, ((await import(/* @vite-ignore */ file)) as { default: unknown }).default);
}

const moduleOf = (name: string) => pathToFileURL(join(folder, `${name}.mjs`)).href;
const operator = (drops: string, run: string) =>
  `export default defineOperator({ name: 'test/op', defaults: {}, reads: () => ({}), writes: (s) => s, drops: [${drops}],
    run: (options, context) => ${run} });`;

beforeAll(async () => {
  await define(
    'numbers',
    `export default defineSource({
      name: 'test/numbers', defaults: {}, drops: ['torn'],
      schema: async () => schema,
      units: async ({ units }) => Array.from({ length: units }, (_, i) => ({ file: 'unit-' + i, rows: 10 })),
      async *read(unit, { rows }, context) {
        context.note('reading ' + unit.file);
        context.drop(unit, 99, 'torn', 'not to be read');
        const first = 100 * Number(unit.file.slice(5));
        yield batchOf({ n: int32Column(Array.from({ length: rows }, (_, i) => first + i)) });
      },
    });`,
  );
  await define(
    'odd',
    operator(
      `'odd'`,
      `map((batch) => { const n = readColumn(batch, 'n', Int32); return keepRows(batch, context, (row) => (n.get(row) % 2 ? 'odd' : undefined)); })`,
    ),
  );
  await define(
    'fail',
    operator('', `tap((batch) => { if (readColumn(batch, 'n', Int32).get(0) >= 200) throw new TypeError('no 200'); })`),
  );
  await define('crash', operator('', `tap(() => { setImmediate(() => { throw new Error('nobody listens'); }); })`));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function readingOf(steps: readonly string[], rows = 10): Reading {
  return {
    stage: 'train',
    seed: 7,
    folder,
    base: folder,
    mayBeEmpty: false,
    schema,
    sources: [
      {
        source: definitions.get('numbers') as Source<Options>,
        module: moduleOf('numbers'),
        options: { units: 3, rows },
        weight: 1,
      },
    ],
    steps: steps.map((name, i) => ({
      operator: definitions.get(name) as Operator<Options>,
      module: moduleOf(name),
      code: undefined,
      options: {},
      label: `test/${name}[${i}]`,
      seed: i,
      holds: 0,
      output: schema,
    })),
  };
}

/** An environment that remembers what it is told. */
function environment(more: Partial<ReadingEnvironment> = {}) {
  const told = { dropped: [] as [DroppedRow, string | undefined][], notes: [] as string[], units: [] as Unit[] };
  const value: ReadingEnvironment = {
    budget: createBudget(1e9),
    signal: new AbortController().signal,
    drop: (row, values) =>
      told.dropped.push([row, values === undefined ? undefined : JSON.stringify(values().toArray())]),
    room: async () => {},
    note: (text) => told.notes.push(text),
    units: (units) => told.units.push(...units),
    ...more,
  };
  return { told, value };
}

const collect = (batches: Observable<RecordBatch>, count: number) =>
  lastValueFrom(batches.pipe(take(count), toArray()));

describe('readRowsInThread', () => {
  it('gives the batches, counts, dropped rows, notes and units of readRows', async () => {
    const options = { repeat: true, skip: 2 };
    const [here, there] = [environment(), environment()];
    const reading = readingOf(['odd']);
    const direct = readRows(reading, here.value, options);
    const threaded = readRowsInThread(reading, there.value, options, worker);
    const expected = await collect(direct.batches, 4);
    const batches = await collect(threaded.batches, 4);
    expect(streamDifference(expected, batches)).toBeUndefined();
    const counts = (accounts: typeof direct.accounts) =>
      accounts.map(({ seconds: _, waiting: __, ...account }) => account);
    expect(counts(threaded.accounts)).toEqual(counts(direct.accounts));
    expect(threaded.accounts[1]).toMatchObject({ operator: 'test/odd[0]', rowsIn: 60, rowsOut: 30 });
    expect(there.told.dropped.map(([row]) => row)).toEqual(here.told.dropped.map(([row]) => row));
    expect(there.told.units).toEqual(here.told.units);
    expect(there.told.notes.slice(0, 6)).toEqual(here.told.notes.slice(0, 6));
    // The values of a row come over in its first epoch only.
    const odd = there.told.dropped.filter(([{ reason }]) => reason === 'odd');
    expect(odd.filter(([{ epoch }]) => epoch === 0).map(([, values]) => values)).toEqual(
      here.told.dropped.filter(([{ reason, epoch }]) => reason === 'odd' && epoch === 0).map(([, values]) => values),
    );
    expect(odd.filter(([{ epoch }]) => epoch > 0).every(([, values]) => values === undefined)).toBe(true);
  });

  it('ends with the rows where they end', async () => {
    const { told, value } = environment();
    const { batches, accounts } = readRowsInThread(readingOf(['odd']), value, {}, worker);
    expect(await lastValueFrom(batches.pipe(toArray()))).toHaveLength(3);
    expect(accounts[1]).toMatchObject({ rowsIn: 30, rowsOut: 15 });
    expect(told.dropped).toHaveLength(18);
  });

  it('hands on the error of an operator with its place and stack', async () => {
    const { value } = environment();
    const { batches } = readRowsInThread(readingOf(['fail']), value, {}, worker);
    const error = await lastValueFrom(batches).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      message: expect.stringContaining('stage train, operator test/fail[0]: the operator failed: no 200'),
      fault: { defect: true, cause: { stack: expect.stringContaining('fail.mjs') } },
    });
  });

  it.each([
    ['an error outside all streams', ['crash'], 'the thread that reads the rows failed: nobody listens'],
    ['a module that is gone', ['gone'], 'Cannot find module'],
  ])('says so after %s', async (_, steps, message) => {
    const { value } = environment();
    const { batches } = readRowsInThread(readingOf(steps), value, { repeat: true }, worker);
    await expect(lastValueFrom(batches)).rejects.toThrow(message);
  });

  it('reads no further ahead than the other thread has room', async () => {
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const { value } = environment({ room: () => gate });
    // 4 MB a batch: 16 MB are under way after the fourth, and none is taken before the gate opens.
    const reading = readingOf([], 1_000_000);
    const { batches } = readRowsInThread(reading, value, { repeat: true }, worker);
    let arrived = 0;
    const twelfth = new Promise<void>((resolve) => {
      batches.pipe(take(12)).subscribe({ next: () => arrived++, complete: resolve });
    });
    // Another thread with room all the time is the clock.
    await collect(readRowsInThread(reading, environment().value, { repeat: true }, worker).batches, 24);
    expect(arrived).toBeLessThan(8);
    open();
    await twelfth;
    expect(arrived).toBe(12);
  });
});
