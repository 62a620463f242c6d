import { Field, Float32, Float64, Schema } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import score from '../../../operators/filters/score.js';
import { batchOf, float32Column, float64Column, int32Column, int64Column } from '../../../pipeline/batch/build.js';
import { withColumn } from '../../../pipeline/batch/columns.js';
import { randomBatches } from '../../kit/batches.js';
import { describeConformance } from '../../kit/conformance.js';
import { declare, runOperator, valuesOf } from '../run-operator.js';

const batches = randomBatches(new Schema([new Field('similarity', new Float32(), true)]), { sizes: [30, 10] });
describeConformance(score, { config: { column: 'similarity', min: 0 }, batches }, { describe, it });

describe('filter/score', () => {
  it('keeps both bounds and says why the others go', async () => {
    const { out, reasons } = await runOperator(score, { column: 's', min: 0.25, max: 0.75 }, [
      batchOf({ s: float64Column([0.25, 0.75, 0.2, 0.8, null, Number.NaN, 0.5]) }),
    ]);
    expect(valuesOf(out, 's')).toEqual([0.25, 0.75, 0.5]);
    expect(reasons).toEqual(['low', 'high', 'null', 'nan']);
  });

  it('compares a Float32 column with the nearest Float32', async () => {
    expect(Math.fround(0.8)).toBeGreaterThan(0.8);
    const { reasons } = await runOperator(score, { column: 's', max: 0.8 }, [batchOf({ s: float32Column([0.8]) })]);
    expect(reasons).toEqual([]);
    const above = await runOperator(score, { column: 's', min: 0.7 }, [batchOf({ s: float32Column([0.7]) })]);
    expect(above.reasons).toEqual([]);
  });

  it('reads integers of 32 and 64 bits', async () => {
    const batch = batchOf({ a: int32Column([1, 5]), b: int64Column([1n, 2n ** 40n]) });
    expect((await runOperator(score, { column: 'a', min: 2 }, [batch])).reasons).toEqual(['low']);
    expect((await runOperator(score, { column: 'b', max: 2 ** 39 }, [batch])).reasons).toEqual(['high']);
  });

  it('refuses a threshold outside of the scale that the column declares, when planned', () => {
    const metadata = new Map([
      ['alignflow.score.name', 'clip'],
      ['alignflow.score.version', 'vit-b-32'],
      ['alignflow.score.min', '-1'],
      ['alignflow.score.max', '1'],
    ]);
    const field = new Field('s', new Float64(), true, metadata);
    const batch = withColumn(batchOf({ s: float64Column([1]) }), field, float64Column([1]));
    expect(declare(score, { column: 's', min: 0.28 }, batch)).toEqual(['s: Float64']);
    expect(() => declare(score, { column: 's', min: 28 }, batch)).toThrow(
      'min: 28 is outside of the scale of the column "s"\n  expected: -1 to 1, the scores of clip vit-b-32',
    );
  });

  it('refuses no thresholds and bounds that keep nothing', () => {
    const batch = batchOf({ s: float64Column([]) });
    expect(() => declare(score, { column: 's' }, batch)).toThrow('neither min nor max');
    expect(() => declare(score, { column: 's', min: 2, max: 1 }, batch)).toThrow('min is 2 and max is 1');
  });
});
