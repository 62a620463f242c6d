import type { RecordBatch } from 'apache-arrow';
import { concat, from, lastValueFrom, NEVER, of, throwError, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { batchOf, int32Column } from '../../../pipeline/batch/build.js';
import { ORIGIN, withOrigin } from '../../../pipeline/batch/origin.js';
import { createAccount } from '../../../pipeline/graph/account.js';
import { createBudget } from '../../../pipeline/graph/budget.js';
import { writeRows } from '../../../pipeline/run/write-rows.js';
import type { SinkWriter } from '../../../pipeline/sink.js';

const batch = (rows: number) =>
  withOrigin(batchOf({ n: int32Column(Array.from({ length: rows }, (_, i) => i)) }), { epoch: 0, unit: 0, row: 0 });
const shard = { file: 'part', rows: 5, bytes: 9, sha256: 'x' };
const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

/** A sink that takes some turns for each thing, and remembers what it was asked, and whether two things were at once. */
function slowSink(failure?: { readonly at: string; readonly error: Error }) {
  const log: string[] = [];
  let busy = 0;
  const act = async (name: string) => {
    log.push(busy++ === 0 ? name : `${name} too early`);
    await turns(3);
    busy--;
    if (failure?.at === name) throw failure.error;
  };
  const writer: SinkWriter = {
    async write(rows) {
      expect(rows.schema.fields.map(({ name }) => name)).not.toContain(ORIGIN);
      await act(`write ${rows.numRows}`);
    },
    close: () => act('close').then(() => [shard]),
    abort: () => act('abort'),
  };
  return { log, writer };
}

function writing(rows: Parameters<typeof writeRows>[0], sink: ReturnType<typeof slowSink>) {
  const [budget, account] = [createBudget(1e9), createAccount('sink/slow')];
  return { ...{ budget, account }, written: writeRows(rows, async () => sink.writer, { budget, account }) };
}

describe('writeRows', () => {
  it('writes one batch after the other, commits, and counts', async () => {
    const sink = slowSink();
    const { written, account, budget } = writing(from([batch(2), batch(3)]), sink);
    expect(await lastValueFrom(written.batches.pipe(toArray()))).toHaveLength(2);
    expect(sink.log).toEqual(['write 2', 'write 3', 'close']);
    expect(written.shards).toEqual([shard]);
    expect([account.rowsIn, account.rowsOut]).toEqual([5, 5]);
    expect(budget.held).toBe(0);
    expect(budget.peak).toBeGreaterThan(0);
  });

  it.each([
    [
      'the rows fail',
      concat(
        of(batch(2), batch(3)),
        throwError(() => new Error('broken')),
      ),
      undefined,
    ],
    ['a write fails', from([batch(2), batch(3), batch(4)]), { at: 'write 3', error: new Error('broken') }],
    ['the commit fails', from([batch(2)]), { at: 'close', error: new Error('broken') }],
  ])('has the sink leave nothing when %s, once it has done what it was doing', async (_, rows, failure) => {
    const sink = slowSink(failure);
    const { written, budget } = writing(rows, sink);
    await expect(lastValueFrom(written.batches)).rejects.toThrow('broken');
    await written.settled();
    expect(sink.log.at(-1)).toBe('abort');
    expect(sink.log.filter((entry) => entry.endsWith('early'))).toEqual([]);
    expect(written.shards).toEqual([]);
    expect(budget.held).toBe(0);
  });

  it('does so when it is unsubscribed, and lets go of the batches that wait', async () => {
    const sink = slowSink();
    const { written, budget } = writing(concat(from([batch(2), batch(3), batch(4)]), NEVER), sink);
    const subscription = written.batches.subscribe();
    await turns(1);
    expect(budget.held).toBeGreaterThan(0);
    subscription.unsubscribe();
    expect(budget.held).toBe(0);
    await written.settled();
    expect(sink.log).toEqual(['write 2', 'abort']);
  });

  it('tells of the rows before it tells of a sink that cannot even leave', async () => {
    const sink = slowSink({ at: 'abort', error: new Error('not this') });
    const { written } = writing(
      throwError(() => new Error('broken')),
      sink,
    );
    await expect(lastValueFrom(written.batches)).rejects.toThrow('broken');
    await written.settled();
    expect(sink.log).toEqual(['abort']);
  });

  it('fails when the sink does not open', async () => {
    const never = from([] as RecordBatch[]);
    const fail = () => Promise.reject(new Error('no such folder'));
    const { batches, settled } = writeRows(never, fail, { budget: createBudget(1), account: createAccount('s') });
    await expect(lastValueFrom(batches)).rejects.toThrow('no such folder');
    await settled();
  });
});
