import { tmpdir } from 'node:os';
import { Field, Int32, Schema } from 'apache-arrow';
import { lastValueFrom, take, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import equals from '../../../operators/filters/equals.js';
import batch from '../../../operators/order/batch.js';
import shuffle from '../../../operators/order/shuffle.js';
import { batchOf, int32Column } from '../../../pipeline/batch/build.js';
import { createBudget } from '../../../pipeline/graph/budget.js';
import type { Operator } from '../../../pipeline/operator.js';
import type { Options } from '../../../pipeline/plan/plan.js';
import { type LoadedStep, readRows } from '../../../pipeline/run/read-rows.js';
import { defineSource, type Source } from '../../../pipeline/source.js';

const schema = new Schema([new Field('n', new Int32(), true)]);

/** So many different numbers, in units of four. */
const numbers = defineSource({
  name: 'test/numbers',
  defaults: {},
  schema: async (_: { rows: number }) => schema,
  units: async ({ rows }) => Array.from({ length: Math.ceil(rows / 4) }, (_, i) => ({ file: 'numbers', rowGroup: i })),
  read: async function* ({ rowGroup = 0 }, { rows }) {
    yield batchOf({ n: int32Column([0, 1, 2, 3].map((i) => 4 * rowGroup + i).filter((n) => n < rows)) });
  },
});

/** What reading again and again says, of sources of so many rows each, which have equal weights. */
async function said(
  rows: readonly number[],
  ...parts: readonly (readonly [Operator<never>, object])[]
): Promise<string> {
  const steps = parts.map(([operator, options], i): LoadedStep => {
    const all = { ...operator.defaults, ...options };
    const label = `${operator.name}[${i}]`;
    return {
      operator: operator as Operator<Options>,
      options: all,
      label,
      seed: i,
      output: schema,
      holds: 1e6,
      module: '',
      code: undefined,
    };
  });
  const source = numbers as unknown as Source<Options>;
  const sources = rows.map((count, i) => {
    const of = { name: `part ${i + 1}`, folder: '/', rejects: false };
    return { source, module: '', options: { rows: count }, weight: 1 / rows.length, of };
  });
  const folder = tmpdir();
  const environment = {
    budget: createBudget(1e8),
    signal: new AbortController().signal,
    drop: () => {},
    room: async () => {},
    note: () => {},
    units: () => {},
  };
  const reading = { stage: 'train', seed: 7, folder, base: folder, sources, mayBeEmpty: false, schema, steps };
  const { batches } = readRows(reading, environment, { repeat: true });
  return lastValueFrom(batches.pipe(take(200), toArray())).then(
    (all) => `${all.length} batches`,
    (error: Error) => error.message,
  );
}

describe('batches and epochs', () => {
  it('refuses a batch of more rows than an epoch has', async () => {
    expect(await said([10], [batch, { rows: 11 }])).toBe(
      [
        'stage train: a batch has 11 rows, and an epoch 10: some stand in it more than once',
        '  expected: batches whose rows differ, as training takes them: of no more rows than an epoch has',
        '  to do: take at most 10 `rows` in order/batch, or add data',
      ].join('\n'),
    );
    expect(await said([10], [batch, { rows: 10 }])).toBe('200 batches');
  });

  it('takes batches from a shuffle that holds many epochs', async () => {
    expect(await said([10], [shuffle, { rows: 64 }], [batch, { rows: 8 }])).toBe('200 batches');
    expect(await said([10], [shuffle, { rows: 64 }], [batch, { rows: 16 }])).toContain('an epoch 10');
  });

  it('counts the rows that come to the step which makes batches', async () => {
    const few = [equals, { column: 'n', values: [1, 2, 4, 5, 7, 8] }] as const;
    expect(await said([10], few, [batch, { rows: 6 }])).toBe('200 batches');
    expect(await said([10], few, [batch, { rows: 7 }])).toContain('a batch has 7 rows, and an epoch 6:');
  });

  it('counts rows that had to wait for too long', async () => {
    const crowded = { rows: 8, distinct: 'n', waiting: 1 };
    expect(await said([10], [shuffle, { rows: 64 }], [batch, crowded])).toBe('200 batches');
  });

  it('holds the share of each source against its own epoch', async () => {
    expect(await said([300, 10], [shuffle, { rows: 2000 }], [batch, { rows: 8 }])).toBe('200 batches');
    expect(await said([300, 10], [shuffle, { rows: 2000 }], [batch, { rows: 40 }])).toMatch(
      /^stage train: a batch has \d\d rows of part 2 in the mean, and an epoch 10: .*\n.*\n.*, give part 2 a smaller weight, or name a column in its `distinct`$/,
    );
    expect(await said([300, 10], [shuffle, { rows: 2000 }], [batch, { rows: 40, distinct: 'n' }])).toBe('200 batches');
  });
});
