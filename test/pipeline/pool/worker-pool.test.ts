import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Field, Int32, type RecordBatch, Schema } from 'apache-arrow';
import { from, lastValueFrom, take, toArray } from 'rxjs';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { batchOf, int32Column } from '../../../pipeline/batch/build.js';
import { readColumn } from '../../../pipeline/batch/column.js';
import { streamDifference } from '../../../pipeline/batch/equal.js';
import { withOrigin } from '../../../pipeline/batch/origin.js';
import { createBudget } from '../../../pipeline/graph/budget.js';
import { chain, type DroppedRow } from '../../../pipeline/graph/chain.js';
import type { Operator } from '../../../pipeline/operator.js';
import type { Options } from '../../../pipeline/plan/plan.js';
import { createPool, type WorkerPool } from '../../../pipeline/pool/worker-pool.js';

// A thread has no TypeScript: it runs the compiled module, and operators that are written against the compiled package.
const compiled = (path: string) => new URL(`../../../dist/pipeline/${path}`, import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'alignflow-pool-'));
const schema = new Schema([new Field('n', new Int32(), true)]);
const opened: WorkerPool[] = [];

afterEach(async () => {
  for (const pool of opened.splice(0)) await pool.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const pool = (workers: number): WorkerPool => {
  const made = createPool({ module: compiled('pool/pool-worker.js'), workers, memory: 1e8, heap: 64 });
  opened.push(made);
  return made;
};

/** A heavy operator as a step; `judge` is the body of a function of (n, batch, row, context) to a reason or undefined. */
async function stepOf(name: string, judge: string, options: Options = {}) {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(
    file,
    `import { existsSync, writeFileSync } from 'node:fs';
     import { setTimeout as wait } from 'node:timers/promises';
     import { concatMap } from ${JSON.stringify(import.meta.resolve('rxjs'))};
     import { defineOperator, keepRows, readColumn } from ${JSON.stringify(compiled('index.js').href)};
     import { Int32 } from ${JSON.stringify(import.meta.resolve('apache-arrow'))};
     export default defineOperator({
       name: 'test/${name}', defaults: {}, reads: () => ({ n: new Int32() }), writes: (s) => s, drops: ['odd', 'unlucky'],
       measures: ['n'], heavy: true,
       run: (options, context) => concatMap(async (batch) => {
         const numbers = readColumn(batch, 'n', Int32);
         // Later batches are ready first.
         await wait(Math.max(0, 20 - numbers.get(0)));
         const kept = keepRows(batch, context, (row) => { const n = numbers.get(row); ${judge} });
         await wait(options.linger ?? 0);
         return kept;
       }),
     });`,
  );
  const module = pathToFileURL(file).href;
  const { default: operator } = (await import(/* @vite-ignore */ file)) as { default: Operator<Options> };
  return { operator, options, label: `test/${name}[0]`, seed: 7, output: schema, module, code: undefined };
}

/** Batches of `size` numbers, with origins. */
const numbers = (batches: number, size: number): RecordBatch[] =>
  Array.from({ length: batches }, (_, i) => {
    const batch = batchOf({ n: int32Column(Array.from({ length: size }, (_, k) => i * size + k)) });
    return withOrigin(batch, { epoch: 0, unit: 0, row: i * size });
  });

async function run(step: Awaited<ReturnType<typeof stepOf>>, workers: number, batches: readonly RecordBatch[]) {
  const dropped: DroppedRow[] = [];
  const budget = createBudget(1e8);
  const linked = chain([step], {
    stage: 'clean',
    signal: new AbortController().signal,
    budget,
    folder,
    units: [{ file: 'a.parquet', rowGroup: 3 }],
    drop: (row, values) => {
      expect(values().numRows).toBe(1);
      dropped.push(row);
    },
    ...(workers === 0 ? {} : { pool: pool(workers) }),
  });
  const out = await lastValueFrom(from(batches).pipe(linked.run, toArray()));
  expect(budget.held).toBe(0);
  const { rowsIn, rowsOut, dropped: reasons } = linked.accounts[0]!;
  return { out, dropped, rowsIn, rowsOut, reasons: Object.fromEntries(reasons) };
}

const values = (batches: readonly RecordBatch[]) => batches.flatMap((batch) => [...readColumn(batch, 'n', Int32)]);

describe('createPool', () => {
  it('gives the rows, drops and sums of one thread, in their order, for any number of threads', async () => {
    const step = await stepOf(
      'random',
      `context.measure('n', n);
       if (context.random(batch, row).next() < 0.2) return 'unlucky';
       return n % 2 === 0 ? undefined : 'odd';`,
    );
    const expected = await run(step, 0, numbers(9, 7));
    expect(expected.dropped.length).toBeGreaterThan(20);
    expect(expected.dropped[0]).toMatchObject({
      file: 'a.parquet',
      rowGroup: 3,
      measure: 'n',
      operator: 'test/random[0]',
    });
    for (const workers of [1, 2, 3]) {
      const { out, ...rest } = await run(step, workers, numbers(9, 7));
      expect(streamDifference(expected.out, out)).toBeUndefined();
      expect({ ...rest, out: expected.out }).toEqual(expected);
    }
  });

  it('tries a batch again whose thread died', async () => {
    const mark = join(folder, 'died-once');
    const step = await stepOf(
      'once',
      `if (n === 8 && !existsSync(${JSON.stringify(mark)})) { writeFileSync(${JSON.stringify(mark)}, ''); process.exit(1); }`,
    );
    const { out, dropped } = await run(step, 2, numbers(5, 4));
    expect(values(out)).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(dropped).toEqual([]);
  });

  it.each([
    ['leaves', 'process.exit(3);', 'worker exited with code: 3'],
    // Little by little: one large piece beyond the limit ends the process, not the thread.
    ['runs out of memory', 'for (let kept = null; ; ) kept = [kept];', 'memory'],
    ['throws where nobody listens', "setTimeout(() => { throw new Error('later'); }); return undefined;", 'later'],
  ])('loses the one row whose work %s', async (name, deed, detail) => {
    const judge = `if (n === 13) { ${deed} } return n === 14 ? 'odd' : undefined;`;
    const step = await stepOf(name.replaceAll(' ', '-'), judge, { linger: 20 });
    const { out, dropped, rowsIn, rowsOut, reasons } = await run(step, 2, numbers(5, 5));
    expect(values(out)).toEqual(Array.from({ length: 25 }, (_, n) => n).filter((n) => n !== 13 && n !== 14));
    expect(dropped.map(({ reason, row }) => [reason, row])).toEqual([
      ['crashed', 13],
      ['odd', 14],
    ]);
    expect(dropped[0]!.detail).toContain(detail);
    expect([rowsIn, rowsOut, reasons]).toEqual([25, 23, { crashed: 1, odd: 1 }]);
  });

  it('ends the run with what the operator throws, and its place', async () => {
    const step = await stepOf('broken', "if (n === 6) throw new TypeError('no such thing');");
    await expect(run(step, 2, numbers(4, 4))).rejects.toMatchObject({
      fault: { what: 'the operator failed: no such thing', where: { stage: 'clean', operator: 'test/broken[0]' } },
    });
  });

  it('says so when every row ends its thread', async () => {
    const step = await stepOf('hopeless', 'process.exit(1);');
    await expect(run(step, 1, numbers(1, 40))).rejects.toThrow(/20 rows one after the other ended the thread/);
  });

  it('says so when its threads cannot start', async () => {
    const broken = join(folder, 'broken-thread.mjs');
    writeFileSync(broken, "throw new Error('a broken installation');");
    const made = createPool({ module: pathToFileURL(broken), workers: 2, memory: 1e8 });
    opened.push(made);
    const step = await stepOf('fine', '');
    const work = made.run({ ...step, stage: 'clean', folder }, numbers(1, 3)[0]!);
    await expect(work).rejects.toThrow(/cannot start: a broken installation/);
  });

  it('stops when nobody listens any more, and holds nothing', async () => {
    const step = await stepOf('even', "return n % 2 === 0 ? undefined : 'odd';");
    const budget = createBudget(1e8);
    const { run: operator } = chain([step], {
      stage: 'clean',
      signal: new AbortController().signal,
      budget,
      folder,
      units: [],
      drop: () => undefined,
      pool: pool(2),
    });
    const first = await lastValueFrom(from(numbers(50, 4)).pipe(operator, take(1)));
    expect(values([first])).toEqual([0, 2]);
    for (const made of opened.splice(0)) await made.close();
    expect(budget.held).toBe(0);
  });
});
