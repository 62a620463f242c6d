import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createAccount } from '../../../pipeline/graph/account.js';
import { hasProgress, openProgress, readProgress } from '../../../pipeline/run/progress.js';
import type { SinkWriter } from '../../../pipeline/sink.js';
import { makeFolder } from '../folder.js';

async function open(folder: string) {
  const split: string[] = [];
  const parts = {
    ledger: { split: async (to: string) => void split.push(to) },
    examples: { save: () => [] },
    every: 0,
  };
  return { progress: await openProgress(await readProgress(folder), parts), split };
}

const plain: SinkWriter = { write: async () => undefined, close: async () => [], abort: async () => undefined };

describe('the progress of rows', () => {
  it('is not saved where a sink cannot be suspended, asked for or not', async () => {
    const folder = join(makeFolder({}), 'checkpoints');
    const { progress, split } = await open(folder);
    progress.writer('clean', plain);
    expect(progress.due).toBe(false);
    await progress.save(1);
    expect([split, hasProgress(folder)]).toEqual([[], false]);
  });

  it('is not saved while rows are under way, and removed at the end', async () => {
    const folder = join(makeFolder({}), 'checkpoints');
    const { progress } = await open(folder);
    const account = createAccount('test/slow[0]');
    progress.account('clean', account);
    progress.writer('clean', { ...plain, suspend: async () => ({ facts: 7 }) });
    progress.state('clean', 'test/slow[0]')(() => Uint8Array.of(1, 2));
    account.rowsIn = 3;
    await progress.save(1);
    expect(hasProgress(folder)).toBe(false);
    account.rowsOut = 2;
    account.dropped.set('odd', 1);
    await progress.save(1);
    expect(hasProgress(folder)).toBe(true);
    await progress.clear();
    expect(existsSync(folder)).toBe(false);
  });
});
