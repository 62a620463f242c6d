import type { RecordBatch, Schema } from 'apache-arrow';
import { from, lastValueFrom, map, type OperatorFunction, tap, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batchOf, int32Column } from '../../../pipeline/batch/build.js';
import { withOrigin, withoutOrigin } from '../../../pipeline/batch/origin.js';
import { keepRows } from '../../../pipeline/batch/select.js';
import { createBudget } from '../../../pipeline/graph/budget.js';
import { chain, type Step } from '../../../pipeline/graph/chain.js';
import { mapAsync } from '../../../pipeline/graph/map-async.js';
import { defineOperator, type OperatorContext } from '../../../pipeline/operator.js';

const { schema } = batchOf({ n: int32Column([]) });
const rows = (unit: number, count = 4) =>
  withOrigin(batchOf({ n: int32Column(new Int32Array(count).fill(unit + 1)) }), { epoch: 0, unit, row: 0 });

type Run = (context: OperatorContext<'odd'>) => OperatorFunction<RecordBatch, RecordBatch>;

function step(name: string, run: Run, holds = 0, output: Schema = schema): Step {
  const operator = defineOperator({
    name,
    defaults: {},
    reads: (_: object) => ({}),
    writes: () => output,
    drops: ['odd'],
    run: (_, context) => run(context),
  });
  return { operator, options: {}, label: `${name}[0]`, seed: 7, output, holds } as Step;
}
const pass = step('pass', () => map((batch) => batch));

/** What a chain says of these batches; `done` when it comes to its end. */
async function said(steps: readonly Step[], batches: readonly RecordBatch[], memory = 1e6): Promise<string> {
  const { run } = chain(steps, {
    stage: 'pairs',
    signal: new AbortController().signal,
    budget: createBudget(memory),
    folder: '/nowhere',
    units: [],
    drop: () => {},
  });
  return lastValueFrom(from(batches).pipe(run, toArray())).then(
    () => 'done',
    (error: Error) => error.message,
  );
}

/** Doubles numbers where they are. */
function double(batch: RecordBatch): RecordBatch {
  const numbers = batch.getChild('n')!.data[0]!.values as Int32Array;
  for (const [i, n] of numbers.entries()) numbers[i] = 2 * n;
  return batch;
}

describe('an operator', () => {
  it('that changes what it is given is named, not the one before it', async () => {
    const changes = step('normalise', () => map(double));
    expect(await said([pass, changes, pass], [rows(0), rows(1)])).toMatch(
      /^stage pairs, operator normalise\[0\]: the operator changes the batch that it is given\n.*\n {2}to do: copy a column/,
    );
  });

  it('that changes it later is named as well', async () => {
    const changes = step('later', (context) =>
      mapAsync(context, async (batch) => {
        await Promise.resolve();
        return double(batch);
      }),
    );
    expect(await said([pass, changes], [rows(0), rows(1), rows(2)])).toContain(
      'operator later[0]: the operator changes the batch that it is given',
    );
  });

  it('that makes a copy may change that', async () => {
    const copies = step('copy', () =>
      map((batch) => {
        const numbers = Int32Array.from(batch.getChild('n') as Iterable<number>, (n) => 2 * n);
        const made = batchOf({ n: int32Column(numbers) });
        return withOrigin(made, { epoch: 0, unit: 0, row: 0 });
      }),
    );
    expect(await said([pass, copies], [rows(0), rows(1)])).toBe('done');
  });

  it('that loses where rows came from is named', async () => {
    const loses = step('lose', () => map(withoutOrigin));
    expect(await said([pass, loses], [rows(0)])).toMatch(/operator lose\[0\]: .* without the hidden column/);
    expect(await said([pass, loses], [withoutOrigin(rows(0))])).toBe('done');
  });

  it.each<[string, unknown]>([
    ['a text, which', 'text'],
    ['undefined, which', undefined],
    ['an object of Map, which', new Map()],
    ['an object of Object, which', { numRows: 4, schema }],
  ])('that emits no batch is named: %s', async (what, value) => {
    const emits = step('emit', () => map(() => value as RecordBatch));
    const text = what.replace('a text', 'text');
    expect(await said([emits, pass], [rows(0)])).toContain(`operator emit[0]: the operator emits ${text} is no record`);
  });

  it('that throws nothing is named all the same', async () => {
    const throws = step('throw', () =>
      tap(() => {
        throw undefined;
      }),
    );
    expect(await said([pass, throws, pass], [rows(0)])).toMatch(/^stage pairs, operator throw\[0\]: /);
  });

  it('that keeps more than it declares and the memory has is named with what it keeps', async () => {
    const large = Array.from({ length: 8 }, (_, unit) => rows(unit, 1_000_000));
    const hoards = (holds: number) =>
      step(
        'hoard',
        () => (source) =>
          source.pipe(
            toArray(),
            map((all) => all[0]!),
          ),
        holds,
      );
    expect(await said([pass, hoards(0)], large)).toMatch(
      /operator hoard\[0\]: the operator keeps 2,000,000 rows, 24 MB, more than the memory of the run\n {2}expected: that it keeps what its `holds` declares, 0 bytes/,
    );
    expect(await said([pass, hoards(1e9)], large)).toBe('done');
    expect(await said([pass, hoards(0)], large, 1e9)).toBe('done');
    const drops = step('drop', (context) => map((batch) => keepRows(batch, context, () => 'odd')));
    expect(await said([pass, drops], large)).toBe('done');
  });
});
