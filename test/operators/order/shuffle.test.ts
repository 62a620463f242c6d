import { Field, Int32, Schema, Utf8 } from 'apache-arrow';
import { from } from 'rxjs';
import { describe, expect, it } from 'vitest';
import shuffle from '../../../operators/order/shuffle.js';
import { batchOf, int32Column, utf8Column } from '../../../pipeline/batch/build.js';
import { sliceBatch } from '../../../pipeline/batch/concat.js';
import { randomBatches } from '../../kit/batches.js';
import { describeConformance } from '../../kit/conformance.js';
import { testContext } from '../../kit/context.js';
import { runOperator, valuesOf } from '../run-operator.js';

const schema = new Schema([new Field('n', new Int32(), true), new Field('s', new Utf8(), true)]);
const batches = randomBatches(schema, { sizes: [30, 0, 70] });
describeConformance(shuffle, { config: { rows: 16 }, batches, random: true }, { describe, it });
describeConformance(shuffle, { config: { bytes: 300 }, batches, random: true }, { describe, it });

const numbers = batchOf({ n: int32Column(Array.from({ length: 1000 }, (_, i) => i)) });

describe('order/shuffle', () => {
  it('lets no row leave before the buffer is full, and every row once', async () => {
    const { out } = await runOperator(shuffle, { rows: 100 }, [numbers]);
    const order = valuesOf(out, 'n') as number[];
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    // The k-th row out is one of the first k + 100 + 1 rows in.
    expect(order.every((value, k) => value <= k + 100)).toBe(true);
  });

  it('puts each row in each place about equally often when all rows fit', async () => {
    const four = sliceBatch(numbers, 0, 4);
    const counts = Array.from({ length: 4 }, () => [0, 0, 0, 0]);
    for (let seed = 0; seed < 2000; seed++) {
      const { out } = await runOperator(shuffle, { rows: 10 }, [four], { seed });
      for (const [place, value] of (valuesOf(out, 'n') as number[]).entries()) counts[place]![value]!++;
    }
    // 500 expected, standard deviation 19.4: five of them.
    expect(counts.flat().every((count) => Math.abs(count - 500) < 97)).toBe(true);
  });

  it('emits while rows come in, not only at the end', () => {
    const context = testContext(shuffle);
    const sizes: number[] = [];
    from([sliceBatch(numbers, 0, 60), sliceBatch(numbers, 60, 160)])
      .pipe(shuffle.run({ rows: 100, bytes: 2 ** 20 }, context))
      .subscribe(({ numRows }) => sizes.push(numRows));
    expect(sizes).toEqual([60, 100]);
  });

  it('keeps within its bound in bytes; a row larger than that passes alone', async () => {
    const texts = batchOf({ s: utf8Column(['x'.repeat(50), 'y'.repeat(50), 'z'.repeat(500), 'w']) });
    const { out } = await runOperator(shuffle, { bytes: 100 }, [sliceBatch(texts, 0, 2), sliceBatch(texts, 2, 4)]);
    expect(out[0]!.numRows).toBeGreaterThanOrEqual(2);
    expect(valuesOf(out, 's')).toHaveLength(4);
    expect(shuffle.holds({ rows: 5, bytes: 100 })).toBe(200);
  });
});
