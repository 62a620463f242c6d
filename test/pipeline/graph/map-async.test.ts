import type { RecordBatch } from 'apache-arrow';
import { firstValueFrom, from, lastValueFrom, map, Subject, take, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batchOf, int32Column } from '../../../pipeline/batch/build.js';
import { createBudget } from '../../../pipeline/graph/budget.js';
import { mapAsync } from '../../../pipeline/graph/map-async.js';

const batch = (n: number): RecordBatch => batchOf({ n: int32Column([n]) });
const numberOf = (of: RecordBatch): number => of.getChild('n')!.get(0) as number;
const batches = (count: number): RecordBatch[] => Array.from({ length: count }, (_, i) => batch(i));

/** Work that ends when the test says so. */
function handWork() {
  const open = new Map<number, { resolve: (of: RecordBatch) => void; reject: (error: unknown) => void }>();
  const signals: AbortSignal[] = [];
  return {
    open,
    signals,
    work: (of: RecordBatch, signal: AbortSignal) => {
      signals.push(signal);
      return new Promise<RecordBatch>((resolve, reject) => open.set(numberOf(of), { resolve, reject }));
    },
    async finish(n: number, bytes = 1) {
      open.get(n)!.resolve(batchOf({ n: int32Column(new Array(bytes).fill(n)) }));
      await Promise.resolve();
      await Promise.resolve();
    },
  };
}

describe('mapAsync', () => {
  it('emits in the order of the batches, whichever ends first', async () => {
    const { work, finish } = handWork();
    const seen: number[] = [];
    from(batches(3))
      .pipe(mapAsync({ budget: createBudget(1e6) }, work, { concurrency: 3 }))
      .subscribe((of) => seen.push(numberOf(of)));
    await finish(2);
    await finish(1);
    expect(seen).toEqual([]);
    await finish(0);
    expect(seen).toEqual([0, 1, 2]);
  });

  it('has at most `concurrency` batches begun and not emitted', async () => {
    const { work, open, finish } = handWork();
    from(batches(5))
      .pipe(mapAsync({ budget: createBudget(1e6) }, work, { concurrency: 2 }))
      .subscribe();
    expect([...open.keys()]).toEqual([0, 1]);
    await finish(1);
    expect([...open.keys()]).toEqual([0, 1]);
    await finish(0);
    expect([...open.keys()]).toEqual([0, 1, 2, 3]);
  });

  it('says how many batches it can work on, as long as it is listened to', () => {
    const budget = createBudget(1e6);
    const source = new Subject<RecordBatch>();
    const run = () => source.pipe(mapAsync({ budget }, async (of) => of, { concurrency: 3 })).subscribe();
    const [first] = [run(), run()];
    expect(budget.places).toBe(6);
    first!.unsubscribe();
    expect(budget.places).toBe(3);
    source.complete();
    expect(budget.places).toBe(0);
  });

  it('holds the bytes of what arrived, then those of the result, and none at the end', async () => {
    const budget = createBudget(1e6);
    const { work, finish } = handWork();
    from(batches(3))
      .pipe(mapAsync({ budget }, work, { concurrency: 2 }))
      .subscribe();
    expect(budget.held).toBe(3 * 4);
    await finish(1, 100);
    expect(budget.held).toBe(2 * 4 + 400);
    await finish(0);
    expect(budget.held).toBe(4);
    await finish(2);
    expect(budget.held).toBe(0);
  });

  it('still holds a result while it is handed on', async () => {
    const budget = createBudget(1e6);
    const held = await firstValueFrom(
      from(batches(1)).pipe(
        mapAsync({ budget }, async (of) => of),
        map(() => budget.held),
      ),
    );
    expect(held).toBe(4);
    await Promise.resolve();
    expect(budget.held).toBe(0);
  });

  it('aborts and lets go when unsubscribed, and emits nothing after', async () => {
    const budget = createBudget(1e6);
    const { work, signals, finish } = handWork();
    const seen: number[] = [];
    const subscription = from(batches(4))
      .pipe(mapAsync({ budget }, work))
      .subscribe((of) => seen.push(numberOf(of)));
    expect(signals.map((signal) => signal.aborted)).toEqual([false, false]);
    subscription.unsubscribe();
    expect(budget.held).toBe(0);
    expect(signals.every((signal) => signal.aborted)).toBe(true);
    await finish(0);
    expect(seen).toEqual([]);
    expect(budget.held).toBe(0);
  });

  it('stops its source when a later operator has enough', async () => {
    const source = new Subject<RecordBatch>();
    const budget = createBudget(1e6);
    const done = lastValueFrom(
      source.pipe(
        mapAsync({ budget }, async (of) => of),
        take(2),
        toArray(),
      ),
    );
    for (const of of batches(5)) source.next(of);
    expect((await done).map(numberOf)).toEqual([0, 1]);
    expect(source.observed).toBe(false);
    expect(budget.held).toBe(0);
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('no'))],
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
  ])('fails when the work %s, and lets go', async (_, work) => {
    const budget = createBudget(1e6);
    const done = lastValueFrom(from(batches(3)).pipe(mapAsync({ budget }, work)));
    await expect(done).rejects.toThrow('no');
    expect(budget.held).toBe(0);
  });

  it('passes an error of the source through at once, and lets go', () => {
    const source = new Subject<RecordBatch>();
    const budget = createBudget(1e6);
    const errors: unknown[] = [];
    source.pipe(mapAsync({ budget }, handWork().work)).subscribe({ error: (error) => errors.push(error) });
    source.next(batch(0));
    source.error('broken');
    expect(errors).toEqual(['broken']);
    expect(budget.held).toBe(0);
  });

  it('completes after the last result, and at once for an empty source', async () => {
    const budget = createBudget(1e6);
    const all = await lastValueFrom(
      from(batches(7)).pipe(
        mapAsync({ budget }, async (of) => of),
        toArray(),
      ),
    );
    expect(all.map(numberOf)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    const none = await lastValueFrom(
      from(batches(0)).pipe(
        mapAsync({ budget }, async (of) => of),
        toArray(),
      ),
    );
    expect(none).toEqual([]);
  });
});
