import type { RecordBatch } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { batchOf, binaryColumn, int32Column, utf8Column } from '../../../pipeline/batch/build.js';
import { createBudget } from '../../../pipeline/graph/budget.js';
import type { DroppedRow } from '../../../pipeline/graph/chain.js';
import { collectExamples, type DrawRow } from '../../../pipeline/run/dropped-examples.js';

const context = () => ({ signal: new AbortController().signal, budget: createBudget(1e9) });
const dropped = (row: number, more: Partial<DroppedRow> = {}): DroppedRow => ({
  stage: 's',
  operator: 'a[0]',
  reason: 'short',
  file: 'data/a.parquet',
  row,
  epoch: 0,
  ...more,
});
const numbers = Array.from({ length: 1000 }, (_, row) => row);

/** Rows that are shown after these were dropped. */
function shown(rows: readonly DroppedRow[], operators: readonly string[] = [], seed = 7) {
  const examples = collectExamples(seed, context());
  for (const row of rows) examples.add(row);
  return examples.shown(operators).map((example) => example.dropped);
}

/** The texts that are shown of one row. */
function textsOf(batch: RecordBatch) {
  const examples = collectExamples(7, context());
  examples.add(dropped(1), () => batch);
  return examples.shown([])[0]!.texts;
}

describe('examples of dropped rows', () => {
  it('are four of each reason from all over the data, the same in whatever order they come', () => {
    const rows = numbers.map((row) => dropped(row));
    const chosen = shown(rows);
    expect(chosen).toHaveLength(4);
    expect(Math.max(...chosen.map(({ row }) => row))).toBeGreaterThan(100);
    expect(shown(rows.toReversed())).toEqual(chosen);
    expect(shown(rows, [], 8)).not.toEqual(chosen);
  });

  it('do not depend on the folder of the data', () => {
    const places = (file: string) => shown(numbers.map((row) => dropped(row, { file }))).map(({ row }) => row);
    expect(places('/elsewhere/a.parquet')).toEqual(places('data/a.parquet'));
    expect(places('data/b.parquet')).not.toEqual(places('data/a.parquet'));
  });

  it('have a row once that is dropped in each epoch', () => {
    const rows = [0, 1, 2].flatMap((epoch) => [1, 2].map((row) => dropped(row, { epoch })));
    expect(
      shown(rows)
        .map(({ row, epoch }) => [row, epoch])
        .sort(),
    ).toEqual([
      [1, 0],
      [2, 0],
    ]);
  });

  it('are all reasons in the order of the operators, sources first, and 24 at most', () => {
    const pairs = ['b[1]', 'a[0]', 'source'].flatMap((operator) =>
      ['z', 'y', 'x', 'w'].map((reason) => ({ operator, reason })),
    );
    const chosen = shown(
      pairs.flatMap((pair) => numbers.map((row) => dropped(row, pair))),
      ['a[0]', 'b[1]'],
    );
    expect(chosen.map(({ operator, reason }) => `${operator} ${reason}`)).toEqual(
      ['source', 'a[0]', 'b[1]'].flatMap((operator) =>
        ['w', 'w', 'x', 'x', 'y', 'y', 'z', 'z'].map((reason) => `${operator} ${reason}`),
      ),
    );
  });

  it('give a reason with many rows the room that others leave', () => {
    const rows = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].flatMap((reason) =>
      numbers.slice(0, reason === 'c' ? 9 : 1).map((row) => dropped(row, { reason })),
    );
    expect(shown(rows).filter(({ reason }) => reason === 'c')).toHaveLength(4);
  });

  it('are bounded when a source makes up a reason for each row', () => {
    const rows = numbers.map((row) => dropped(row, { reason: `row ${row}`, detail: 'é'.repeat(10_000) }));
    const chosen = shown(rows);
    expect(chosen).toHaveLength(24);
    expect(chosen[0]!.detail).toBe(`${'é'.repeat(200)}…`);
  });

  it('have the texts of a row, cut between characters, and nulls', () => {
    const long = `a${'😀'.repeat(100_000)}`;
    const batch = batchOf({
      n: int32Column([1]),
      caption: utf8Column([long]),
      fits: utf8Column(['é'.repeat(200)]),
      nothing: utf8Column([null]),
      image: binaryColumn([Buffer.from('x')]),
    });
    expect(textsOf(batch)).toEqual([
      { column: 'caption', text: `a${'😀'.repeat(199)}…` },
      { column: 'fits', text: 'é'.repeat(200) },
      { column: 'nothing', text: null },
    ]);
    const wide = batchOf(Object.fromEntries(numbers.map((n) => [`t${n}`, utf8Column(['x'])])));
    expect(textsOf(wide)).toHaveLength(6);
  });
});

describe('pictures of dropped rows', () => {
  const row = (n: number) => batchOf({ image: binaryColumn([new Uint8Array(1000).fill(n)]) });
  const first: DrawRow = async (batch) => Uint8Array.of(batch.getChild('image')!.get(0)[0]);

  it('are drawn of few rows, one after the other, and held until then', async () => {
    const { signal, budget } = context();
    let drawing = 0;
    let calls = 0;
    const draw: DrawRow = async (batch, given) => {
      expect([++drawing, given.budget]).toEqual([1, budget]);
      await new Promise((resolve) => setTimeout(resolve, 1));
      drawing--;
      calls++;
      return first(batch, given);
    };
    const examples = collectExamples(7, { signal, budget }, draw);
    let copies = 0;
    for (const n of numbers)
      examples.add(dropped(n), () => {
        copies++;
        return row(n % 256);
      });
    expect(copies).toBeLessThan(60);
    expect(budget.held).toBeGreaterThan(4000);
    await examples.drawn();
    expect(budget.held).toBe(0);
    // The rows that others had taken the place of were not drawn.
    expect(calls).toBe(4);
    for (const { dropped, image } of examples.shown([])) expect(image).toEqual(Uint8Array.of(dropped.row % 256));
  });

  it('are left out where the row has none, where drawing fails, and where no row could be read', async () => {
    const draw: DrawRow = async (batch, given) => {
      const [byte] = (await first(batch, given))!;
      if (byte === 1) throw new Error('broken');
      return byte === 2 ? undefined : Uint8Array.of(byte!);
    };
    const examples = collectExamples(7, context(), draw);
    for (const n of [1, 2, 3]) examples.add(dropped(n), () => row(n));
    examples.add(dropped(4));
    await examples.drawn();
    const images = examples.shown([]).map((example) => [example.dropped.row, example.image]);
    expect(images.sort()).toEqual([
      [1, undefined],
      [2, undefined],
      [3, Uint8Array.of(3)],
      [4, undefined],
    ]);
  });

  it('are not drawn any more when the run was ended', async () => {
    const { budget } = context();
    const examples = collectExamples(7, { signal: AbortSignal.abort(), budget }, () =>
      Promise.reject(new Error('drawn')),
    );
    examples.add(dropped(1), () => row(1));
    await examples.drawn();
    expect([budget.held, examples.shown([])[0]!.image]).toEqual([0, undefined]);
  });
});
