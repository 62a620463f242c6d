import type { RecordBatch } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { batchOf, int32Column } from '../../../pipeline/batch/build.js';
import { concatBatches } from '../../../pipeline/batch/concat.js';
import { BY_WEIGHT, type Mixing, mix, type Share } from '../../../pipeline/graph/mix.js';

const numbers = (from: number, to: number) =>
  batchOf({ n: int32Column(Array.from({ length: to - from }, (_, i) => from + i)) });

/** A source of the numbers `from` to `to` in batches of `size`, which notes what is asked of it. */
function source(from: number, to: number, size: number) {
  const asked = { batches: 0, closed: false };
  async function* read(): AsyncGenerator<RecordBatch> {
    try {
      for (let at = from; at < to; at += size) {
        asked.batches++;
        yield numbers(at, Math.min(to, at + size));
      }
    } finally {
      asked.closed = true;
    }
  }
  return { asked, batches: read() };
}

async function mixed(shares: readonly Share[], mixing: Mixing = BY_WEIGHT): Promise<number[]> {
  const batches: RecordBatch[] = [];
  for await (const batch of mix(shares, mixing)) batches.push(batch);
  return batches.length === 0 ? [] : [...(concatBatches(batches).getChild('n') as Iterable<number>)];
}

const count = (rows: readonly number[], below: number) => rows.filter((n) => n < below).length;

describe('mix', () => {
  it('gives each source its share from the start, and keeps its order', async () => {
    const rows = await mixed([
      { batches: source(0, 30_000, 500).batches, weight: 3 },
      { batches: source(100_000, 110_000, 500).batches, weight: 1 },
    ]);
    expect(rows).toHaveLength(40_000);
    for (const end of [4096, 12_288, 36_864]) expect(count(rows.slice(0, end), 100_000) / end).toBeCloseTo(0.75, 1);
    expect(rows.filter((n) => n < 100_000)).toEqual(Array.from({ length: 30_000 }, (_, i) => i));
    expect(rows.filter((n) => n >= 100_000)).toEqual(Array.from({ length: 10_000 }, (_, i) => 100_000 + i));
  });

  it('has an order that does not depend on the batches of its sources', async () => {
    const order = (first: number, second: number) =>
      mixed([
        { batches: source(0, 3000, first).batches, weight: 0.3 },
        { batches: source(10_000, 15_000, second).batches, weight: 0.7 },
      ]);
    const expected = await order(1000, 1000);
    for (const [first, second] of [
      [1, 5000],
      [256, 255],
      [7, 513],
    ] as const)
      expect(await order(first, second)).toEqual(expected);
  });

  it('goes on with the others when a source has run out, and loses no row', async () => {
    const rows = await mixed([
      { batches: source(0, 0, 10).batches, weight: 1 },
      { batches: source(0, 100, 10).batches, weight: 1 },
      { batches: source(1000, 4000, 300).batches, weight: 1 },
      { batches: source(10_000, 10_512, 256).batches, weight: 5 },
    ]);
    expect(rows).toHaveLength(3612);
    expect(new Set(rows).size).toBe(3612);
  });

  it('emits nothing for nothing', async () => {
    expect(await mixed([])).toEqual([]);
    expect(await mixed([{ batches: source(0, 0, 1).batches, weight: 1 }])).toEqual([]);
  });

  it('pulls a source only when it wants a row of it', async () => {
    const [often, rarely] = [source(0, 1e6, 256), source(0, 1e6, 256)];
    const rows = mix(
      [
        { batches: often.batches, weight: 99 },
        { batches: rarely.batches, weight: 1 },
      ],
      BY_WEIGHT,
    );
    for (let i = 0; i < 50; i++) await rows.next();
    expect(often.asked.batches).toBe(49);
    expect(rarely.asked.batches).toBe(1);
    await rows.return(undefined);
    expect([often.asked.closed, rarely.asked.closed]).toEqual([true, true]);
  });

  it('passes an error on and closes the other sources', async () => {
    const good = source(0, 1e6, 256);
    async function* broken(): AsyncGenerator<RecordBatch> {
      yield numbers(0, 10);
      throw new Error('the disk is gone');
    }
    const rows = mixed([
      { batches: good.batches, weight: 2 },
      { batches: broken(), weight: 1 },
    ]);
    await expect(rows).rejects.toThrow('the disk is gone');
    expect(good.asked.closed).toBe(true);
  });

  const three = () => [
    { batches: source(0, 600, 70).batches, weight: 1 },
    { batches: source(1000, 1300, 70).batches, weight: 1 },
    { batches: source(2000, 2900, 70).batches, weight: 1 },
  ];
  const runs = (rows: readonly number[]) =>
    rows.filter((n, i) => rows[i - 1] !== n - 1).map((first) => [first, runFrom(rows, first)]);
  const runFrom = (rows: readonly number[], first: number) => {
    const at = rows.indexOf(first);
    const end = rows.findIndex((n, i) => i > at && n !== rows[i - 1]! + 1);
    return (end < 0 ? rows.length : end) - at;
  };

  it('goes round by blocks with equal weights, and on with the others', async () => {
    expect(runs(await mixed(three()))).toEqual([
      [0, 256],
      [1000, 256],
      [2000, 256],
      [256, 256],
      [1256, 44],
      [2256, 256],
      [512, 88],
      [2512, 388],
    ]);
  });

  it('gives one source after the other by exhaustion', async () => {
    expect(runs(await mixed(three(), { by: 'exhaustion', until: 'all' }))).toEqual([
      [0, 600],
      [1000, 300],
      [2000, 900],
    ]);
  });

  it('ends with the first that runs out, after its last rows, and closes the others', async () => {
    expect(runs(await mixed(three(), { by: 'weight', until: 'first' }))).toEqual([
      [0, 256],
      [1000, 256],
      [2000, 256],
      [256, 256],
      [1256, 44],
    ]);
    expect(runs(await mixed(three(), { by: 'exhaustion', until: 'first' }))).toEqual([[0, 600]]);
    const [short, long] = [source(0, 10, 10), source(0, 1e6, 256)];
    await mixed(
      [
        { batches: long.batches, weight: 1 },
        { batches: short.batches, weight: 1 },
      ],
      { by: 'weight', until: 'first' },
    );
    expect(long.asked).toEqual({ batches: 1, closed: true });
  });

  it('ends by no row of its own where a source has exactly a block', async () => {
    const shares = () => [
      { batches: source(0, 256, 256).batches, weight: 1 },
      { batches: source(1000, 1512, 256).batches, weight: 1 },
    ];
    expect(await mixed(shares(), { by: 'weight', until: 'first' })).toHaveLength(512);
    expect(await mixed(shares(), { by: 'weight', until: 'all' })).toHaveLength(768);
  });
});
