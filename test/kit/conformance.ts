import assert from 'node:assert/strict';
import { type RecordBatch, Table, tableFromIPC, tableToIPC } from 'apache-arrow';
import { concat, from, lastValueFrom, type Observable, Subject, throwError, toArray } from 'rxjs';
import { withColumn } from '../../pipeline/batch/columns.js';
import { concatBatches, sliceBatch } from '../../pipeline/batch/concat.js';
import { schemaDifference, streamDifference } from '../../pipeline/batch/equal.js';
import { originWords, withOrigin, withoutOrigin } from '../../pipeline/batch/origin.js';
import { createBudget } from '../../pipeline/graph/budget.js';
import type { Operator } from '../../pipeline/operator.js';
import { nullColumn } from './batches.js';
import { originText, type TestContext, type TestContextOptions, testContext } from './context.js';

/** What the suite has to know of an operator. */
export interface ConformanceSpec<Config extends object> {
  /** Options; those left out have their defaults. */
  readonly config?: Partial<Config>;
  /** Rows to work on: at least 8, some of them kept and, for a filter, some dropped. Origins are added where missing. */
  readonly batches: readonly RecordBatch[];
  /** Whether another seed must give other rows. Without it, another seed must give the same. */
  readonly random?: boolean;
  /** Rows that it adds to `rows` rows that came in, where it may (filling a last batch). None unless given. */
  readonly adds?: (rows: number) => number;
  /** Whether the sizes of its batches are part of its result: then they must not depend on those that came in either. */
  readonly sizes?: boolean;
  /** Folder for operators that write files. */
  readonly folder?: string;
}

/** One requirement on an operator. `run` rejects with what is wrong. */
export interface ConformanceCase {
  readonly name: string;
  run(): Promise<void>;
}

/** The parts of a test runner that the suite is told of: those of vitest, jest, mocha or `node:test`. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: () => Promise<void>): unknown;
}

/**
 * Declares the suite in a test runner.
 *
 * ```ts
 * import { describe, it } from 'vitest';
 * describeConformance(captionLength, { batches }, { describe, it });
 * ```
 */
export function describeConformance<Config extends object>(
  operator: Operator<Config>,
  spec: ConformanceSpec<Config>,
  { describe, it }: TestRunner,
): void {
  describe(`${operator.name} conforms`, () => {
    for (const { name, run } of conformanceCases(operator, spec)) it(name, run);
  });
}

/** What every operator must do, as cases that any test runner can run. */
export function conformanceCases<Config extends object>(
  operator: Operator<Config>,
  spec: ConformanceSpec<Config>,
): readonly ConformanceCase[] {
  const config = { ...operator.defaults, ...spec.config } as Config;
  const whole = prepare(spec.batches);
  const before = tableFromIPC(tableToIPC(new Table([whole]))).batches;
  const outputSchema = operator.writes(withoutOrigin(whole).schema, config);
  const options: TestContextOptions = spec.folder === undefined ? {} : { folder: spec.folder };
  const apply = async (batches: readonly RecordBatch[], seed = 7): Promise<Outcome> => {
    const context = testContext(operator, { ...options, seed });
    const out = await collect(operator.run(config, context)(from(batches)));
    return { out, context };
  };
  const cut = (size: number): RecordBatch[] => {
    const starts = Array.from({ length: Math.ceil(whole.numRows / size) }, (_, i) => i * size);
    return starts.map((start) => sliceBatch(whole, start, start + size));
  };
  const checkSum = ({ out, context }: Outcome, rows: number): void => {
    const emitted = countRows(out);
    const added = spec.adds?.(rows) ?? 0;
    const sum = `${rows} rows in, ${emitted} out, ${context.dropped.length} dropped, ${added} added`;
    assert.equal(emitted + context.dropped.length, rows + added, sum);
  };
  const checkSchema = (out: readonly RecordBatch[]): void => {
    for (const batch of out) {
      const difference = schemaDifference(outputSchema, withoutOrigin(batch).schema);
      assert.equal(difference, undefined, `declared against emitted: ${difference}`);
      assert(originWords(batch) !== undefined, 'the hidden column of origins is lost');
    }
  };
  const checkSame = (a: Outcome, b: Outcome): void => {
    assert.equal(streamDifference(a.out, b.out), undefined);
    assert.deepEqual(b.context.dropped, a.context.dropped, 'other rows are dropped');
    if (spec.sizes === true) assert.deepEqual(sizesOf(b.out), sizesOf(a.out), 'batches have other sizes');
  };
  const checkRun = async (batches: readonly RecordBatch[]): Promise<void> => {
    const outcome = await apply(batches);
    checkSum(outcome, countRows(batches));
    checkSchema(outcome.out);
  };
  const checkAlone = async (): Promise<void> => {
    const alone: Outcome[] = [];
    for (const batch of cut(5).reverse()) alone.unshift(await apply([batch]));
    const { out, context } = await apply([whole]);
    const pieces = alone.flatMap((outcome) => outcome.out);
    assert.equal(streamDifference(out, pieces), undefined);
    const dropped = alone.flatMap((outcome) => outcome.context.dropped);
    assert.deepEqual(dropped, context.dropped, 'other rows are dropped');
  };
  const checkState = async (): Promise<void> => {
    const expected = await apply([whole]);
    const batches = cut(4);
    const half = batches.length >> 1;
    const first = testContext(operator, options);
    const source = new Subject<RecordBatch>();
    const out: RecordBatch[] = [];
    const subscription = operator
      .run(
        config,
        first,
      )(source)
      .subscribe((batch) => out.push(batch));
    for (const batch of batches.slice(0, half)) source.next(batch);
    await settle();
    const saved = first.save();
    assert(saved !== undefined, 'it gave no state to context.state');
    const restored = Uint8Array.from(saved);
    subscription.unsubscribe();
    const second = testContext(operator, { ...options, restored });
    out.push(...(await collect(operator.run(config, second)(from(batches.slice(half))))));
    assert.equal(streamDifference(expected.out, out), undefined);
    assert.deepEqual([...first.dropped, ...second.dropped], expected.context.dropped, 'other rows are dropped');
  };

  return [
    {
      name: 'takes an empty batch, and no batch at all',
      run: () => checkRun([sliceBatch(whole, 0, 0)]).then(() => checkRun([])),
    },
    {
      name: 'takes columns of nothing but nulls',
      run: async () => {
        for (const name of Object.keys(operator.reads(config))) {
          const field = whole.schema.fields.find((candidate) => candidate.name === name);
          assert(field !== undefined, `the batches of the test have no column "${name}", which the operator reads`);
          await checkRun([withColumn(whole, field, nullColumn(field.type, whole.numRows))]);
        }
      },
    },
    { name: 'takes one row', run: () => checkRun([sliceBatch(whole, 0, 1)]) },
    {
      name: 'gives the same however its rows are batched',
      run: async () => {
        const expected = await apply([whole]);
        for (const size of [1, 7]) checkSame(expected, await apply(cut(size)));
      },
    },
    ...(operator.carries === 'nothing' ? [{ name: 'carries nothing from batch to batch', run: checkAlone }] : []),
    ...(operator.carries === 'state' ? [{ name: 'goes on from the state that it saves', run: checkState }] : []),
    { name: 'emits the schema that it declares', run: async () => checkSchema((await apply(cut(3))).out) },
    {
      name: 'accounts for every row: in = out + dropped, no row twice',
      run: async () => {
        const outcome = await apply(cut(5));
        checkSum(outcome, whole.numRows);
        if (spec.adds !== undefined) return;
        const out = outcome.out.flatMap(originsOf);
        const all = [...out, ...outcome.context.dropped.map(({ origin }) => origin)].sort();
        assert.deepEqual(all, originsOf(whole).sort(), 'rows out and rows dropped are not the rows that came in');
      },
    },
    {
      name: 'passes an error of its source through',
      run: async () => {
        const broken = new Error('the source broke');
        const source = concat(
          from(cut(4).slice(0, 1)),
          throwError(() => broken),
        );
        const context = testContext(operator, options);
        const result = await collect(operator.run(config, context)(source)).catch((error: unknown) => error);
        assert.equal(result, broken);
        await settle();
        assert.equal(context.budget.held, 0, 'bytes are still held after an error');
      },
    },
    {
      name: 'tears down when it is unsubscribed',
      run: async () => {
        const budget = createBudget(2 ** 30);
        const source = new Subject<RecordBatch>();
        let emitted = 0;
        const context = testContext(operator, { ...options, budget });
        const subscription = operator
          .run(
            config,
            context,
          )(source)
          .subscribe(() => emitted++);
        for (const batch of cut(4).slice(0, 2)) source.next(batch);
        subscription.unsubscribe();
        const seen = emitted;
        assert.equal(source.observed, false, 'it is still subscribed to its source');
        assert.equal(budget.held, 0, 'bytes are still held');
        await settle();
        assert.equal(emitted, seen, 'it still emits');
        assert.equal(budget.held, 0, 'bytes are held again');
      },
    },
    {
      name: spec.random === true ? 'depends on the seed and on nothing else' : 'does not depend on the seed',
      run: async () => {
        const [first, again, other] = [await apply([whole], 1), await apply([whole], 1), await apply([whole], 2)];
        checkSame(first, again);
        if (spec.random !== true) checkSame(first, other);
        else assert.notEqual(streamDifference(first.out, other.out), undefined, 'another seed gives the same rows');
      },
    },
    {
      name: 'leaves its input as it was',
      run: async () => {
        await apply([whole]);
        assert.equal(streamDifference(before, [whole]), undefined);
      },
    },
    {
      name: 'keeps two subscriptions apart',
      run: async () => {
        const expected = await apply(cut(4));
        const source = new Subject<RecordBatch>();
        const stream = operator.run(config, testContext(operator, options))(source);
        const both = Promise.all([collect(stream), collect(stream)]);
        for (const batch of cut(4)) source.next(batch);
        source.complete();
        for (const out of await both) assert.equal(streamDifference(expected.out, out), undefined);
      },
    },
  ];
}

interface Outcome {
  readonly out: readonly RecordBatch[];
  readonly context: TestContext;
}

function prepare(batches: readonly RecordBatch[]): RecordBatch {
  const whole = concatBatches(batches);
  assert(whole.numRows >= 8, `the suite needs at least 8 rows, and the test gave ${whole.numRows}`);
  return originWords(whole) === undefined ? withOrigin(whole, { epoch: 0, unit: 0, row: 0 }) : whole;
}

function collect(stream: Observable<RecordBatch>): Promise<RecordBatch[]> {
  return lastValueFrom(stream.pipe(toArray()));
}

function originsOf(batch: RecordBatch): string[] {
  return Array.from({ length: batch.numRows }, (_, row) => originText(batch, row));
}

function countRows(batches: readonly RecordBatch[]): number {
  return batches.reduce((sum, batch) => sum + batch.numRows, 0);
}

function sizesOf(batches: readonly RecordBatch[]): number[] {
  return batches.map(({ numRows }) => numRows);
}

/** Lets promises and timers that are due run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}
