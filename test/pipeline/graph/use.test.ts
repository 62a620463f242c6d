import { Field, Int32, type RecordBatch, Schema } from 'apache-arrow';
import { concat, from, lastValueFrom, map, of, Subject, throwError, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batchOf, int32Column } from '../../../pipeline/batch/build.js';
import { readColumn } from '../../../pipeline/batch/column.js';
import { withoutColumns } from '../../../pipeline/batch/columns.js';
import { schemaDifference, streamDifference } from '../../../pipeline/batch/equal.js';
import { keepRows } from '../../../pipeline/batch/select.js';
import type { DroppedRow } from '../../../pipeline/graph/chain.js';
import { use } from '../../../pipeline/graph/use.js';
import { defineOperator } from '../../../pipeline/operator.js';

interface Odd {
  share: number;
}

const lucky = defineOperator({
  name: 'test/lucky',
  defaults: { share: 0.5 },
  reads: (_: Odd) => ({ n: new Int32() }),
  writes: (schema) => schema,
  drops: ['unlucky'],
  run: ({ share }, context) =>
    map((batch) =>
      keepRows(batch, context, (row) => (context.random(batch, row).next() < share ? undefined : 'unlucky')),
    ),
});

const rows = (...values: number[]) => batchOf({ n: int32Column(values) });
const numbers = (batches: readonly RecordBatch[]) => batches.flatMap((batch) => [...readColumn(batch, 'n', Int32)]);
const count = Array.from({ length: 40 }, (_, n) => n);

describe('use', () => {
  it('fills in defaults, numbers the rows of the stream and tells which are dropped', async () => {
    const dropped: DroppedRow[] = [];
    const stream = of(rows(...count.slice(0, 30)), rows(...count.slice(30)));
    const kept = await lastValueFrom(stream.pipe(use(lucky, {}, { drop: (row) => dropped.push(row) }), toArray()));
    expect([...numbers(kept), ...dropped.map(({ row }) => row)].sort((a, b) => a! - b!)).toEqual(count);
    expect(dropped.length).toBeGreaterThan(8);
    expect(dropped[0]).toMatchObject({ operator: 'test/lucky', reason: 'unlucky', file: 'the stream' });
    expect(schemaDifference(kept[0]!.schema, new Schema([new Field('n', new Int32(), true)]))).toBeUndefined();
  });

  it('draws the same for a row in any batch, and other numbers for another seed', async () => {
    const pick = (batches: readonly RecordBatch[], seed: number) =>
      lastValueFrom(from(batches).pipe(use(lucky, { share: 0.4 }, { seed }), toArray()));
    const whole = await pick([rows(...count)], 1);
    const single = await pick(
      count.map((n) => rows(n)),
      1,
    );
    expect(streamDifference(whole, single)).toBeUndefined();
    expect(numbers(await pick([rows(...count)], 2))).not.toEqual(numbers(whole));
  });

  it('holds an operator to its schema, and passes errors and the end on', async () => {
    const forgets = { ...lucky, run: () => map((batch: RecordBatch) => withoutColumns(batch, ['n'])) };
    await expect(lastValueFrom(of(rows(1)).pipe(use(forgets, {})))).rejects.toThrow(/no column n/);
    const failing = concat(
      of(rows(1)),
      throwError(() => new Error('the source broke')),
    );
    await expect(lastValueFrom(failing.pipe(use(lucky, {}), toArray()))).rejects.toThrow('the source broke');
    await expect(lastValueFrom(from([]).pipe(use(lucky, {}), toArray()))).resolves.toEqual([]);
  });

  it('leaves its source when nobody listens any more', () => {
    const source = new Subject<RecordBatch>();
    const subscription = source.pipe(use(lucky, {})).subscribe();
    source.next(rows(1));
    expect(source.observed).toBe(true);
    subscription.unsubscribe();
    expect(source.observed).toBe(false);
  });
});
