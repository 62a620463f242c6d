import {
  Binary,
  Bool,
  Field,
  FixedSizeBinary,
  Float32,
  Int32,
  Int64,
  List,
  Schema,
  Struct,
  Uint8,
  Utf8,
} from 'apache-arrow';
import { map } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batchOf, int32Column } from '../../pipeline/batch/build.js';
import { streamDifference } from '../../pipeline/batch/equal.js';
import { originOf, withOrigin } from '../../pipeline/batch/origin.js';
import { rebatch } from '../../pipeline/batch/rebatch.js';
import { marbles, nullColumn, originText, randomBatches, testContext } from './index.js';

const schema = new Schema([
  new Field('i', new Int32(), false),
  new Field('u', new Uint8(), true),
  new Field('l', new Int64(), true),
  new Field('f', new Float32(), true),
  new Field('b', new Bool(), true),
  new Field('s', new Utf8(), true),
  new Field('x', new Binary(), true),
  new Field('p', new FixedSizeBinary(4), true),
  new Field('t', new List(new Field('item', new Int32(), true)), true),
  new Field('r', new Struct([new Field('w', new Int32(), true)]), true),
]);

describe('randomBatches', () => {
  it('gives the same for the same seed and other values for another', () => {
    const [a, b, c] = [1, 1, 2].map((seed) => randomBatches(schema, { seed, sizes: [20, 0, 3] }));
    expect(a!.map(({ numRows }) => numRows)).toEqual([20, 0, 3]);
    expect(streamDifference(a!, b!)).toBeUndefined();
    expect(streamDifference(a!, c!)).toBeDefined();
  });

  it('has nulls only where the schema allows, and rows numbered on', () => {
    const [first, second] = randomBatches(schema, { sizes: [200, 5], nulls: 0.5 });
    expect(first!.getChild('i')!.nullCount).toBe(0);
    for (const name of ['u', 's', 't', 'r']) {
      expect(first!.getChild(name)!.nullCount).toBeGreaterThan(60);
      expect(first!.getChild(name)!.nullCount).toBeLessThan(140);
    }
    expect(originOf(second!, 4)).toEqual({ epoch: 0, unit: 0, row: 204 });
  });

  it('makes columns of nulls of each type', () => {
    for (const { type } of schema.fields) {
      const column = nullColumn(type, 5);
      expect([column.length, column.nullCount, column.get(2)]).toEqual([5, 5, null]);
    }
  });
});

describe('testContext', () => {
  const operator = { name: 'test/x', drops: ['bad'], measures: ['size'] };
  const batch = withOrigin(batchOf({ n: int32Column([1, 2, 3]) }), { epoch: 1, unit: 2, row: 9 });

  it('records drops with their origin, and figures', () => {
    const context = testContext(operator);
    context.measure('size', 4);
    context.drop(batch, 1, 'bad', 'why');
    expect(context.measured).toEqual([{ name: 'size', value: 4 }]);
    expect(context.dropped).toEqual([{ reason: 'bad', detail: 'why', origin: originText(batch, 1) }]);
    expect(originText(batch, 1)).toBe('10000:200000a');
  });

  it('refuses what is not declared', () => {
    const context = testContext(operator);
    expect(() => context.drop(batch, 0, 'worse')).toThrow('the reason "worse", which it does not declare');
    expect(() => context.measure('height', 1)).toThrow('the measure "height"');
    expect(() => context.folder).toThrow('the test gave none');
    expect(testContext(operator, { folder: 'here' }).folder).toBe('here');
  });

  it('draws random numbers from seed and origin alone', () => {
    const draw = (seed: number, row: number) => testContext(operator, { seed }).random(batch, row).next();
    expect(draw(1, 0)).toBe(draw(1, 0));
    expect(new Set([draw(1, 0), draw(1, 1), draw(2, 0), draw(2, 1)]).size).toBe(4);
  });
});

describe('marbles', () => {
  const [one, two] = [batchOf({ n: int32Column([1]) }), batchOf({ n: int32Column([2]) })];
  const both = batchOf({ n: int32Column([1, 2]) });

  it('compares batches by value, at their time', () => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('a-b-|', { a: one, b: two });
      expectObservable(source.pipe(rebatch(2))).toBe('--c-|', { c: both });
      expectSubscriptions(source.subscriptions).toBe('^---!');
    });
  });

  it('sees another value, another time, another error', () => {
    const run = (marble: string, values: Record<string, typeof one>) => () =>
      marbles(({ cold, expectObservable }) => {
        expectObservable(cold('a-#', { a: one }).pipe(map((batch) => batch))).toBe(marble, values);
      });
    expect(run('a-#', { a: one })).not.toThrow();
    expect(run('a-#', { a: two })).toThrow('event 0: row 0, column "n": 1 against 2');
    expect(run('-a#', { a: one })).toThrow('event 0: at 0 ms, expected at 1 ms');
    expect(run('a-|', { a: one })).toThrow('event 1: error error at 2 ms, expected complete');
  });
});
