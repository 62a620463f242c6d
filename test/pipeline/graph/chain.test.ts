import type { RecordBatch, Schema } from 'apache-arrow';
import {
  concat,
  concatMap,
  EMPTY,
  from,
  lastValueFrom,
  map,
  NEVER,
  type OperatorFunction,
  Subject,
  take,
  tap,
  throwError,
  toArray,
} from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batchOf, float32Column, int32Column, utf8Column } from '../../../pipeline/batch/build.js';
import { withoutColumns } from '../../../pipeline/batch/columns.js';
import { withOrigin } from '../../../pipeline/batch/origin.js';
import { keepRows } from '../../../pipeline/batch/select.js';
import { AlignflowError } from '../../../pipeline/errors.js';
import { createBudget } from '../../../pipeline/graph/budget.js';
import { chain, type DroppedRow, type Step } from '../../../pipeline/graph/chain.js';
import { mapAsync } from '../../../pipeline/graph/map-async.js';
import { defineOperator, type OperatorContext } from '../../../pipeline/operator.js';

const rows = (unit: number, ...values: number[]) =>
  withOrigin(batchOf({ n: int32Column(values) }), { epoch: 3, unit, row: 10 });
const origin = { epoch: 0, unit: 0, row: 0 };
const { schema } = batchOf({ n: int32Column([]) });
const valuesOf = (batches: readonly RecordBatch[]) =>
  batches.flatMap((batch) => [...(batch.getChild('n') as Iterable<number>)]);

type Run = (context: OperatorContext<string, string>) => OperatorFunction<RecordBatch, RecordBatch>;

/** A step of an operator that does what a test wants. */
function step(label: string, run: Run, output: Schema = schema): Step {
  const operator = defineOperator({
    name: label.replace(/\[.*/, ''),
    defaults: {},
    reads: (_: object) => ({}),
    writes: () => output,
    drops: ['odd', 'large'],
    measures: ['size'],
    run: (_, context) => run(context as OperatorContext<string, string>),
  });
  return { operator, options: {}, label, seed: 7, output } as Step;
}

const keep = (label: string, judge: (n: number, context: OperatorContext<string, string>) => string | undefined) =>
  step(label, (context) =>
    map((batch) => {
      const column = batch.getChild('n')!;
      return keepRows(batch, context, (row) => judge(column.get(row) as number, context));
    }),
  );
const pass = (label: string) => step(label, () => map((batch) => batch));

function linked(steps: readonly Step[]) {
  const dropped: DroppedRow[] = [];
  const copies: RecordBatch[] = [];
  const { run, accounts } = chain(steps, {
    stage: 'pairs',
    signal: new AbortController().signal,
    budget: createBudget(1e6),
    folder: '/nowhere',
    units: [{ file: 'a.parquet', rowGroup: 0 }, { file: 'b.parquet' }],
    drop: (row, values) => {
      dropped.push(row);
      copies.push(values());
    },
  });
  const collect = (batches: readonly RecordBatch[]) => lastValueFrom(from(batches).pipe(run, toArray()));
  return { run, accounts, dropped, copies, collect };
}

/** What a chain of one operator fails with. */
async function failure(...steps: readonly Step[]): Promise<AlignflowError> {
  const error = await linked(steps)
    .collect([rows(0, 1, 2), rows(1, 3)])
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(AlignflowError);
  return error as AlignflowError;
}

describe('chain', () => {
  it('passes batches on when there is no operator', async () => {
    const batch = rows(0, 1, 2);
    expect(await linked([]).collect([batch])).toEqual([batch]);
  });

  it('counts the rows of each operator', async () => {
    const { accounts, collect } = linked([
      keep('filter/odd[0]', (n) => (n % 2 === 1 ? 'odd' : undefined)),
      keep('filter/large[1]', (n) => (n > 6 ? 'large' : undefined)),
    ]);
    expect(valuesOf(await collect([rows(0, 1, 2, 3, 4), rows(1, 5, 6, 7, 8)]))).toEqual([2, 4, 6]);
    expect(
      accounts.map(({ operator, rowsIn, rowsOut, dropped }) => [
        operator,
        rowsIn,
        rowsOut,
        Object.fromEntries(dropped),
      ]),
    ).toEqual([
      ['filter/odd[0]', 8, 4, { odd: 4 }],
      ['filter/large[1]', 4, 3, { large: 1 }],
    ]);
  });

  it('says of a dropped row where it came from, why, and what was measured of it', async () => {
    const judge = keep('filter/large[0]', (n, context) => {
      if (n === 1) return 'odd';
      context.measure('size', n);
      return n > 5 ? 'large' : undefined;
    });
    const { dropped, collect } = linked([judge]);
    await collect([rows(0, 2, 1), rows(1, 9)]);
    const place = { stage: 'pairs', operator: 'filter/large[0]', epoch: 3 };
    expect(dropped).toEqual([
      { ...place, reason: 'odd', unit: 0, file: 'a.parquet', rowGroup: 0, row: 11 },
      { ...place, reason: 'large', measure: 'size', value: 9, unit: 1, file: 'b.parquet', row: 10 },
    ]);
  });

  it('gives a copy of a dropped row, as the operator had it, without its hidden column', async () => {
    const { copies, collect } = linked([keep('filter/odd[0]', (n) => (n % 2 === 1 ? 'odd' : undefined))]);
    const batch = rows(0, 2, 7);
    const single = rows(0, 9);
    await collect([batch, single]);
    expect(valuesOf(copies)).toEqual([7, 9]);
    expect(copies.map(({ numRows, schema: { names } }) => [numRows, names])).toEqual(new Array(2).fill([1, ['n']]));
    const memory = (of: RecordBatch) => of.data.children[0]!.values.buffer;
    expect(memory(copies[1]!)).not.toBe(memory(single));
  });

  it('refuses a reason that was not declared', async () => {
    const error = await failure(keep('filter/odd[0]', () => 'bored'));
    expect(error.message).toBe(
      'stage pairs, operator filter/odd[0]: the operator dropped a row as "bored", which it did not declare',
    );
  });

  it('refuses a row that is dropped twice, or is none of the batch', async () => {
    const drops = (...numbers: number[]) =>
      step('filter/odd[0]', (context) =>
        tap((batch) => {
          for (const row of numbers) context.drop(batch, row, 'odd');
        }),
      );
    expect((await failure(drops(0, 1, 0))).message).toMatch(
      /operator filter\/odd\[0\]: .*dropped row 0 of a batch twice/,
    );
    for (const row of [2, -1, 0.5, Number.NaN])
      expect((await failure(drops(row))).message).toContain(`dropped row ${row} of a batch of 2 rows`);
  });

  it.each<[string, (batch: RecordBatch) => RecordBatch, RegExp]>([
    ['lacks a column', (batch) => withoutColumns(batch, ['n']), /emits no column n\n/],
    [
      'has a column of another type',
      () => withOrigin(batchOf({ n: float32Column([1]) }), origin),
      /column n as Float32, not Int32/,
    ],
    [
      'has a column more',
      () => withOrigin(batchOf({ n: int32Column([1]), m: utf8Column(['x']) }), origin),
      /a column m that was not declared/,
    ],
  ])('refuses a batch that %s, in whatever batch', async (_, change, message) => {
    const first = await failure(step('text/prompt[0]', () => map(change)));
    const second = await failure(step('text/prompt[0]', () => map((batch, i) => (i === 1 ? change(batch) : batch))));
    for (const { message: text } of [first, second]) {
      expect(text).toMatch(message);
      expect(text).toContain('stage pairs, operator text/prompt[0]');
    }
  });

  it('refuses columns in another order', async () => {
    const output = batchOf({ n: int32Column([]), m: int32Column([]) }).schema;
    const turned = () => map(() => withOrigin(batchOf({ m: int32Column([1]), n: int32Column([1]) }), origin));
    expect((await failure(step('a[0]', turned, output))).message).toMatch(/column m in another place than declared/);
  });

  it.each<[string, Run]>([
    [
      'before the first row',
      () => {
        throw new TypeError('x is undefined');
      },
    ],
    [
      'in a batch',
      () =>
        tap(() => {
          throw new TypeError('x is undefined');
        }),
    ],
    ['later', () => concatMap(() => Promise.reject(new TypeError('x is undefined')))],
    [
      'behind an asynchronous boundary',
      (context) => mapAsync(context, () => Promise.reject(new TypeError('x is undefined'))),
    ],
    [
      'with what is no error',
      () =>
        tap(() => {
          throw 'x is undefined';
        }),
    ],
  ])('names the operator that fails %s, as a defect with its cause', async (_, run) => {
    const error = await failure(pass('a[0]'), step('filter/broken[1]', run), pass('b[2]'));
    expect(error.message).toContain('stage pairs, operator filter/broken[1]: the operator failed: x is undefined');
    expect(error.fault.defect).toBe(true);
    expect(error.cause).toBeDefined();
  });

  it('adds the place to an error that an operator explains itself', async () => {
    const cause = new AlignflowError({ what: 'the tokenizer is missing', where: { file: 'tokenizer.json' } });
    const error = await failure(
      pass('a[0]'),
      step('b[1]', () => () => throwError(() => cause)),
      pass('c[2]'),
    );
    expect(error.message).toBe('tokenizer.json, stage pairs, operator b[1]: the tokenizer is missing');
    expect(error.fault.defect).toBeUndefined();
  });

  it('leaves an error of its source as it is', async () => {
    const { run } = linked([pass('a[0]'), pass('b[1]')]);
    const broken = new Error('the source broke');
    await expect(lastValueFrom(throwError(() => broken).pipe(run))).rejects.toBe(broken);
  });

  it('takes what an operator emits after its source has ended', async () => {
    const last = step('order/last[0]', (context) => mapAsync(context, async (batch) => batch));
    const { accounts, collect } = linked([last, pass('b[1]')]);
    expect(valuesOf(await collect([rows(0, 1), rows(1, 2)]))).toEqual([1, 2]);
    expect(accounts.map(({ rowsIn, rowsOut }) => [rowsIn, rowsOut])).toEqual([
      [2, 2],
      [2, 2],
    ]);
  });

  it('refuses an operator that ends before its rows do, whether it has listened or not', async () => {
    for (const early of [take<RecordBatch>(1), () => EMPTY]) {
      expect(
        (
          await failure(
            pass('x[0]'),
            step('my/early[1]', () => early),
          )
        ).message,
      ).toMatch(/^stage pairs, operator my\/early\[1\]: the operator came to its end before the rows did/);
    }
  });

  it('says which operator has had all rows and has not ended', () => {
    const never = step('my/never[1]', () => (source) => concat(source, NEVER));
    const { run, accounts } = linked([pass('x[0]'), never, pass('y[2]')]);
    from([rows(0, 1)])
      .pipe(run)
      .subscribe();
    expect(accounts.map(({ ending }) => ending)).toEqual([false, true, false]);
  });

  it('unsubscribes from its source when it fails and when it is unsubscribed', () => {
    const broken = step('a[0]', () =>
      tap(() => {
        throw new Error('broken');
      }),
    );
    const source = new Subject<RecordBatch>();
    source.pipe(linked([pass('x[0]'), broken]).run).subscribe({ error: () => undefined });
    source.next(rows(0, 1));
    expect(source.observed).toBe(false);

    const subscription = source.pipe(linked([pass('x[0]'), pass('y[1]')]).run).subscribe();
    expect(source.observed).toBe(true);
    subscription.unsubscribe();
    expect(source.observed).toBe(false);
  });

  it('gives random numbers by seed and origin, whatever the batches', async () => {
    const seen: number[] = [];
    const draw = step('a[0]', (context) =>
      tap((batch) => {
        for (let row = 0; row < batch.numRows; row++) seen.push(context.random(batch, row).next());
      }),
    );
    await linked([draw]).collect([rows(0, 1, 2), rows(1, 3)]);
    await linked([draw]).collect([rows(1, 3), rows(0, 1, 2)]);
    expect(seen.slice(3)).toEqual([seen[2], seen[0], seen[1]]);
    expect(new Set(seen).size).toBe(3);
  });
});
