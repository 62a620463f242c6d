import { Field, Int32, type RecordBatch, Schema, Utf8 } from 'apache-arrow';
import { defer, map, Observable, type OperatorFunction, tap } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { int32Column } from '../../pipeline/batch/build.js';
import { readColumn } from '../../pipeline/batch/column.js';
import { withColumn, withField } from '../../pipeline/batch/columns.js';
import { sliceBatch } from '../../pipeline/batch/concat.js';
import { withoutOrigin } from '../../pipeline/batch/origin.js';
import { keepRows, takeRows } from '../../pipeline/batch/select.js';
import { mapAsync } from '../../pipeline/graph/map-async.js';
import { defineOperator, type Operator, type OperatorContext } from '../../pipeline/operator.js';
import { randomBatches } from './batches.js';
import { type ConformanceSpec, conformanceCases, describeConformance } from './conformance.js';
import { originText } from './context.js';

const schema = new Schema([new Field('n', new Int32(), true), new Field('s', new Utf8(), true)]);
const batches = randomBatches(schema, { sizes: [12, 8] });

type Run = (context: OperatorContext<'odd'>) => OperatorFunction<RecordBatch, RecordBatch>;

/** An operator that reads `n` and does what a test wants. */
function operatorOf(run: Run, writes: (schema: Schema) => Schema = (incoming) => incoming) {
  return defineOperator({
    name: 'test/subject',
    defaults: {},
    reads: (_: object) => ({ n: new Int32() }),
    writes,
    drops: ['odd'],
    run: (_, context) => run(context),
  });
}

/** The cases that an operator fails. */
function failures(run: Run, spec: Partial<ConformanceSpec<object>> = {}, writes?: (schema: Schema) => Schema) {
  return failuresOf(operatorOf(run, writes), spec);
}

async function failuresOf(operator: Operator<object>, spec: Partial<ConformanceSpec<object>> = {}): Promise<string[]> {
  const failed: string[] = [];
  for (const { name, run: check } of conformanceCases(operator, { batches, ...spec })) {
    await check().catch(() => failed.push(name));
  }
  return failed;
}

const keepEven: Run = (context) =>
  map((batch) => {
    const numbers = readColumn(batch, 'n', Int32);
    return keepRows(batch, context, (row) => ((numbers.get(row) ?? 1) % 2 === 0 ? undefined : 'odd'));
  });

describeConformance(operatorOf(keepEven), { batches }, { describe, it });

describe('conformanceCases', () => {
  it('passes a right operator, synchronous or not', async () => {
    expect(await failures(keepEven)).toEqual([]);
    expect(await failures((context) => mapAsync(context, async (batch) => batch))).toEqual([]);
  });

  it('finds rows that vanish', async () => {
    const vanish: Run = () => map((batch) => sliceBatch(batch, 0, batch.numRows - 1));
    expect(await failures(vanish)).toContain('accounts for every row: in = out + dropped, no row twice');
    expect(await failures(vanish)).toContain('takes one row');
  });

  it('finds a row in the place of another', async () => {
    const first: Run = () => map((batch) => takeRows(batch, new Uint32Array(batch.numRows)));
    expect(await failures(first)).toContain('accounts for every row: in = out + dropped, no row twice');
  });

  it('finds results that depend on the batches', async () => {
    const reverse: Run = () =>
      map((batch) =>
        takeRows(
          batch,
          Uint32Array.from({ length: batch.numRows }, (_, i) => batch.numRows - 1 - i),
        ),
      );
    expect(await failures(reverse)).toContain('gives the same however its rows are batched');
  });

  it('finds batch sizes that depend on the batches, where sizes count', async () => {
    const through: Run = () => map((batch) => batch);
    expect(await failures(through)).toEqual([]);
    expect(await failures(through, { sizes: true })).toEqual(['gives the same however its rows are batched']);
  });

  it('finds a column that was not declared, and one that was lost', async () => {
    const field = new Field('x', new Int32(), true);
    const add: Run = () => map((batch) => withColumn(batch, field, int32Column(new Array(batch.numRows).fill(1))));
    expect(await failures(add)).toContain('emits the schema that it declares');
    expect(await failures(add, {}, (incoming) => withField(incoming, field))).toEqual([]);
    expect(await failures(() => map(withoutOrigin))).toContain('emits the schema that it declares');
  });

  it('finds an operator that fails on nulls', async () => {
    const trusting: Run = () =>
      tap((batch) => {
        for (const value of readColumn(batch, 'n', Int32)) (value as number).toFixed();
      });
    expect(await failures(trusting, { batches: randomBatches(schema, { sizes: [20], nulls: 0 }) })).toEqual([
      'takes columns of nothing but nulls',
    ]);
  });

  it('finds a swallowed error', async () => {
    const swallow: Run = () => (source) =>
      new Observable((subscriber) =>
        source.subscribe({
          next: (batch) => subscriber.next(batch),
          error: () => subscriber.complete(),
          complete: () => subscriber.complete(),
        }),
      );
    expect(await failures(swallow)).toEqual(['passes an error of its source through']);
  });

  it('finds a leak: a source that stays subscribed, bytes that stay held', async () => {
    const cling: Run = () => (source) =>
      new Observable((subscriber) => {
        source.subscribe({
          next: (batch) => subscriber.next(batch),
          error: (error) => subscriber.error(error),
          complete: () => subscriber.complete(),
        });
      });
    expect(await failures(cling)).toContain('tears down when it is unsubscribed');
    const hoard: Run = (context) => tap((batch) => void context.budget.hold(batch.numRows));
    expect(await failures(hoard)).toContain('tears down when it is unsubscribed');
  });

  it('finds randomness that is not from the seed, and a seed that is not used', async () => {
    let count = 0;
    const rotate: Run = () =>
      map((batch) => {
        const by = count++;
        return takeRows(
          batch,
          Uint32Array.from({ length: batch.numRows }, (_, i) => (i + by) % batch.numRows),
        );
      });
    expect(await failures(rotate, { random: true })).toContain('depends on the seed and on nothing else');
    expect(await failures(keepEven, { random: true })).toEqual(['depends on the seed and on nothing else']);
    const seeded: Run = (context) =>
      map((batch) => keepRows(batch, context, (row) => (context.random(batch, row).next() < 0.5 ? 'odd' : undefined)));
    expect(await failures(seeded)).toEqual(['does not depend on the seed']);
    expect(await failures(seeded, { random: true })).toEqual([]);
  });

  it('finds an operator that carries something from one batch to the next, though it says not', async () => {
    const numbered: Run = (context) => (source) =>
      defer(() => {
        let seen = 0;
        return source.pipe(map((batch) => keepRows(batch, context, () => (seen++ % 2 === 0 ? undefined : 'odd'))));
      });
    const names = await failuresOf({ ...operatorOf(numbered), carries: 'nothing' });
    expect(names).toEqual(['carries nothing from batch to batch']);
  });

  it('finds a state that is not saved, or not gone on from', async () => {
    const counting =
      (save: (seen: number) => Uint8Array, restore: (bytes: Uint8Array) => number): Run =>
      (context) =>
      (source) =>
        defer(() => {
          const left = context.state(() => save(seen));
          let seen = left === undefined ? 0 : restore(left);
          return source.pipe(map((batch) => keepRows(batch, context, () => (seen++ % 3 === 0 ? undefined : 'odd'))));
        });
    const right = counting(
      (seen) => Uint8Array.of(seen),
      ([seen]) => seen!,
    );
    expect(await failuresOf({ ...operatorOf(right), carries: 'state' })).toEqual([]);
    const names = ['goes on from the state that it saves'];
    const forgets = counting(
      (seen) => Uint8Array.of(seen),
      () => 0,
    );
    expect(await failuresOf({ ...operatorOf(forgets), carries: 'state' })).toEqual(names);
    expect(await failuresOf({ ...operatorOf(keepEven), carries: 'state' })).toEqual(names);
  });

  it('finds an input that is written to', async () => {
    const zero: Run = () => tap((batch) => void (batch.getChild('n')!.data[0]!.values as Int32Array).fill(0));
    const own = randomBatches(schema, { sizes: [20], nulls: 0 });
    expect(await failures(zero, { batches: own })).toContain('leaves its input as it was');
  });

  it('finds state that subscriptions share', async () => {
    const sticky: Run = (context) => {
      const seen = new Set<string>();
      return map((batch) =>
        keepRows(batch, context, (row) => {
          const origin = originText(batch, row);
          return seen.size === seen.add(origin).size ? 'odd' : undefined;
        }),
      );
    };
    expect(await failures(sticky)).toEqual(['keeps two subscriptions apart']);
  });

  it('asks for enough rows', async () => {
    const few = { batches: [sliceBatch(batches[0]!, 0, 3)] };
    expect(() => conformanceCases(operatorOf(keepEven), few)).toThrow('at least 8 rows');
  });
});
