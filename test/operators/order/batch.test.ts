import { Field, Int32, Schema, Utf8 } from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import batch from '../../../operators/order/batch.js';
import { batchOf, int32Column, utf8Column } from '../../../pipeline/batch/build.js';
import { concatBatches, sliceBatch } from '../../../pipeline/batch/concat.js';
import { randomBatches } from '../../kit/batches.js';
import { describeConformance } from '../../kit/conformance.js';
import { testContext } from '../../kit/context.js';
import { marbles } from '../../kit/marbles.js';
import { runOperator, valuesOf } from '../run-operator.js';

const schema = new Schema([new Field('word', new Utf8(), true), new Field('n', new Int32(), true)]);
const batches = randomBatches(schema, { sizes: [25, 0, 33] });
const runner = { describe, it };
describeConformance(batch, { config: { rows: 8 }, batches, sizes: true }, runner);
describeConformance(batch, { config: { rows: 8, last: 'drop' }, batches, sizes: true }, runner);
const adds = (rows: number) => (8 - (rows % 8)) % 8;
describeConformance(batch, { config: { rows: 8, last: 'fill' }, batches, sizes: true, adds }, runner);
describeConformance(batch, { config: { rows: 8, distinct: 'word' }, batches, sizes: true }, runner);
describeConformance(
  batch,
  { config: { rows: 8, distinct: 'word', waiting: 40, last: 'drop' }, batches, sizes: true },
  runner,
);

const rowsOf = (words: readonly (string | null)[]) =>
  batchOf({ word: utf8Column(words), n: int32Column(words.map((_, i) => i)) });

describe('order/batch', () => {
  it('makes batches of its size, whatever the last becomes', async () => {
    const seven = rowsOf(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
    const kept = await runOperator(batch, { rows: 3 }, [seven]);
    expect(kept.out.map(({ numRows }) => numRows)).toEqual([3, 3, 1]);
    const dropped = await runOperator(batch, { rows: 3, last: 'drop' }, [seven]);
    expect(dropped.out.map(({ numRows }) => numRows)).toEqual([3, 3]);
    expect(dropped.reasons).toEqual(['incomplete']);
    const filled = await runOperator(batch, { rows: 3, last: 'fill' }, [seven]);
    expect(valuesOf(filled.out, 'n')).toEqual([0, 1, 2, 3, 4, 5, 6, 0, 1]);
    const alone = await runOperator(batch, { rows: 5, last: 'fill' }, [rowsOf(['a', 'b'])]);
    expect(valuesOf(alone.out, 'n')).toEqual([0, 1, 0, 1, 0]);
  });

  it('lets rows wait whose value is in the batch, the oldest first', async () => {
    const { out } = await runOperator(batch, { rows: 2, distinct: 'word' }, [rowsOf(['a', 'a', 'a', 'b', 'c', 'd'])]);
    expect(out.map((of) => valuesOf([of], 'n'))).toEqual([
      [0, 3],
      [1, 4],
      [2, 5],
    ]);
  });

  it('never has a value twice in a batch, and loses no row', async () => {
    const words = fc.array(fc.option(fc.constantFrom('a', 'b', 'c', 'd')), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(words, fc.integer({ min: 1, max: 5 }), async (values, rows) => {
        const { out } = await runOperator(batch, { rows, distinct: 'word' }, [rowsOf(values)]);
        for (const of of out) {
          const present = valuesOf([of], 'word').filter((value) => value !== null);
          expect(new Set(present).size).toBe(present.length);
        }
        expect((valuesOf(out, 'n') as number[]).sort((a, b) => a - b)).toEqual(values.map((_, i) => i));
      }),
      { seed: 7, numRuns: 100 },
    );
  });

  it('fills a last batch with values that it does not have yet', async () => {
    const { out } = await runOperator(batch, { rows: 3, distinct: 'word', last: 'fill' }, [
      rowsOf(['a', 'b', 'c', 'b']),
    ]);
    expect(out.map((of) => valuesOf([of], 'word'))).toEqual([
      ['a', 'b', 'c'],
      ['b', 'a', 'c'],
    ]);
    const few = runOperator(batch, { rows: 3, distinct: 'word', last: 'fill' }, [rowsOf(['a', 'b', 'b'])]);
    await expect(few).rejects.toThrow('too few different values of "word"');
  });

  it('emits a batch when its last row comes, and the rest at the end', () => {
    const [two, three] = [rowsOf(['a', 'b']), rowsOf(['c', 'd', 'e'])];
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('x-y--|', { x: two, y: three });
      const run = batch.run({ rows: 4, last: 'keep', waiting: 100 }, testContext(batch));
      const [full, rest] = [concatBatches([two, sliceBatch(three, 0, 2)]), sliceBatch(three, 2, 3)];
      expectObservable(source.pipe(run)).toBe('--f--(r|)', { f: full, r: rest });
      expectSubscriptions(source.subscriptions).toBe('^----!');
    });
  });

  it('sends the row that waits longest to the ledger when too many wait', async () => {
    // A waiting row takes 1 byte of text and 4 of its number.
    const config = { rows: 3, distinct: 'word', waiting: 10 };
    const { out, context } = await runOperator(batch, config, [rowsOf(['a', 'a', 'a', 'a', 'b', 'c'])]);
    expect(context.dropped.map(({ reason }) => reason)).toEqual(['crowded']);
    expect(valuesOf(out, 'n')).toEqual([0, 4, 5, 2, 3]);
  });
});
