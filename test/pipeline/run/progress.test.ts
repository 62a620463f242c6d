import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createAccount } from '../../../pipeline/graph/account.js';
import { openProgress } from '../../../pipeline/run/progress.js';
import { hasProgress, readProgress } from '../../../pipeline/run/saved-progress.js';
import type { SinkWriter } from '../../../pipeline/sink.js';
import { makeFolder } from '../folder.js';

async function open(folder: string) {
  const split: string[] = [];
  const parts = {
    ledger: {
      split: async (to: string) => {
        split.push(to);
        writeFileSync(to, 'rows');
      },
    },
    examples: { save: () => [] },
    every: 0,
  };
  return { progress: await openProgress(await readProgress(folder), parts), split };
}

function makeCheckpoints(): string {
  const folder = join(makeFolder({}), 'checkpoints');
  mkdirSync(folder);
  return folder;
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
    const folder = makeCheckpoints();
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

  it('is used whole or not at all: a file that was changed is named', async () => {
    const folder = makeCheckpoints();
    const { progress } = await open(folder);
    progress.writer('clean', { ...plain, suspend: async () => ({ facts: 7 }) });
    progress.state('clean', 'test/slow[0]')(() => Uint8Array.of(1, 2));
    await progress.save(1);
    await progress.save(3);
    const { saved, ledger } = await readProgress(folder);
    expect(saved).toMatchObject({ next: 3, sinks: { clean: { facts: 7 } } });
    expect(ledger.map((file) => basename(file))).toEqual(['ledger-0.parquet', 'ledger-1.parquet']);
    const names = readdirSync(folder).sort();
    expect(names).toEqual(['ledger-0.parquet', 'ledger-1.parquet', 'rows.json', 'state-1-0']);
    for (const name of names) {
      const path = join(folder, name);
      const bytes = readFileSync(path);
      const turned = Buffer.from(bytes);
      turned[turned.length >> 1]! ^= 1;
      for (const change of [turned, bytes.subarray(1), Buffer.alloc(0)]) {
        writeFileSync(path, change);
        expect(await readProgress(folder)).toEqual({ folder, saved: undefined, ledger: [], damaged: name });
      }
      if (name !== 'rows.json') {
        rmSync(path);
        expect(await readProgress(folder)).toMatchObject({ damaged: name });
      }
      writeFileSync(path, bytes);
    }
    writeFileSync(join(folder, 'rows.json'), JSON.stringify({ ...saved, next: 9999 }));
    expect(await readProgress(folder)).toMatchObject({ damaged: 'rows.json' });
  });
});
