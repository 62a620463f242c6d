import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import source from '../../../operators/sources/parquet.js';
import { planManifest } from '../../../pipeline/plan/plan-manifest.js';
import type { RunEvent } from '../../../pipeline/run/events.js';
import { readLedger } from '../../../pipeline/run/read-ledger.js';
import type { RunReport } from '../../../pipeline/run/report.js';
import { settleRetry } from '../../../pipeline/run/retry.js';
import { run } from '../../../pipeline/run/run.js';
import { makeFolder } from '../folder.js';

const pages = `
import { batchOf, defineSource, int32Column, utf8Column } from 'alignflow';
import { Field, Int32, Schema, Utf8 } from 'apache-arrow';

/** Pages of captions. */
export interface Pages {
  /** How many. @minimum 1 @integer */
  pages: number;
}

export default defineSource({
  name: 'retry/pages',
  defaults: { pages: 6 },
  drops: ['torn'],
  schema: async (_: Pages) => new Schema([new Field('caption', new Utf8(), true), new Field('n', new Int32(), true)]),
  units: async ({ pages }) => Array.from({ length: pages }, (_, page) => ({ file: 'page-' + page, rows: 20 })),
  async *read({ file }, _, context) {
    globalThis.retryTest.read.push(file);
    const first = 20 * Number(file.slice(5));
    context.drop({ file }, 99, 'torn');
    for (const part of [0, 10]) {
      const numbers = Array.from({ length: 10 }, (_, i) => first + part + i);
      yield batchOf({ caption: utf8Column(numbers.map((n) => (n % 7 === 0 ? 'cat' : 'a cat that is number ' + n))), n: int32Column(numbers) });
    }
  },
});
`;

/** Fails for the rows that the test names, and drops every 11th for good. */
const fetcher = `
import { defineFilter } from 'alignflow';
import { Int32 } from 'apache-arrow';

/** Fetches what a row names, where the network is up. */
// biome-ignore lint/suspicious/noEmptyInterface: it has no options
export interface Fetch {}

export default defineFilter({
  name: 'retry/fetch',
  defaults: {},
  reads: (_: Fetch) => ({ n: new Int32() }),
  drops: ['unreachable', 'gone'],
  fails: ['unreachable'],
  judge: (batch) => {
    const n = batch.getChild('n');
    return (row) => {
      const number = n.get(row);
      globalThis.retryTest.tried.push(number);
      return globalThis.retryTest.down(number) ? 'unreachable' : number % 11 === 0 ? 'gone' : undefined;
    };
  },
});
`;

const manifest = `
name: retry
seed: 3
memory: 1MB
workers: 0
operators: [./operators]
stages:
  clean:
    use: filtering
    source: { use: retry/pages }
    steps:
      - { use: filter/caption-length, with: { min: 3 } }
      - { use: retry/fetch }
    sink: { use: sink/parquet }
    branches:
      even: { steps: [{ use: filter/equals, with: { column: n, values: [4, 8, 12, 16, 20, 24] } }], sink: { use: sink/parquet } }
  tokens:
    use: tokenization
    from: clean
    with: { vocabulary: 300, prompts: { tokens: '' }, maxTokens: 16 }
`;

interface RetryTest {
  down: (n: number) => boolean;
  read: string[];
  tried: number[];
}

const shared: { retryTest?: RetryTest } = globalThis as never;

/** A project whose operator fails as `down` says, with ways to run it and to look at what is there. */
function project(text = manifest) {
  const folder = makeFolder({ 'retry.yaml': text, 'operators/pages.ts': pages, 'operators/fetch.ts': fetcher });
  const world: RetryTest = { down: () => false, read: [], tried: [] };
  shared.retryTest = world;
  onTestFinished(() => {
    delete shared.retryTest;
  });
  const start = async (output: string, retryFailed = false): Promise<RunEvent[]> => {
    world.read = [];
    world.tried = [];
    const set = [`output=${join(folder, output)}`];
    const { plan, problems } = await planManifest(join(folder, 'retry.yaml'), { set });
    expect(problems).toEqual([]);
    return lastValueFrom(run(plan!, { retryFailed }).pipe(toArray()));
  };
  const kinds = (events: readonly RunEvent[]) =>
    events.flatMap((event) =>
      'stage' in event && /^stage-(s|r)[tek]/.test(event.kind) ? [`${event.stage} ${event.kind}`] : [],
    );
  const numbers = async (path: string): Promise<number[]> => {
    const context = {
      stage: 't',
      base: folder,
      seed: 1,
      signal: new AbortController().signal,
      cache: '',
      note() {},
      reserve() {},
      drop() {},
    };
    const found: number[] = [];
    const options = { path: join(folder, path), batch: 1024 };
    for (const unit of await source.units(options, context))
      for await (const batch of source.read(unit, options, context))
        found.push(...(batch.getChild('n') as Iterable<number>));
    return found;
  };
  const ledger = async (output: string) => {
    const rows = [];
    for await (const row of readLedger(join(folder, output, 'clean/ledger.parquet'))) rows.push(row);
    return rows;
  };
  const counts = (output: string) => {
    const { stages } = JSON.parse(readFileSync(join(folder, output, 'report.json'), 'utf8')) as RunReport;
    return stages.map(({ rows }) => {
      const { in: given, out, ledger, operators, branches } = rows!;
      const plain = (list: typeof operators) =>
        list.map(({ name, rowsIn, rowsOut, dropped }) => ({
          name,
          rowsIn,
          rowsOut,
          dropped: dropped.filter(({ rows }) => rows > 0),
        }));
      return {
        given,
        out,
        ledger,
        operators: plain(operators),
        branches: branches?.map(({ operators }) => plain(operators)),
      };
    });
  };
  return { folder, world, start, kinds, numbers, ledger, counts };
}

const failing = (n: number) => n % 5 === 0 && n < 100;

describe('rows that failed', () => {
  it('are tried again by themselves: rows, ledger and counts are then those of a run in which they had not', async () => {
    const { folder, world, start, kinds, numbers, ledger, counts } = project();
    await start('whole');
    world.down = failing;
    await start('runs');
    const failed = (await ledger('runs')).filter(({ reason }) => reason === 'unreachable');
    expect(failed.length).toBe(17);
    world.down = () => false;
    expect(kinds(await start('runs'))).toEqual(['clean stage-skipped', 'tokens stage-skipped']);

    const events = await start('runs', true);
    expect(kinds(events)).toEqual(['clean stage-retried', 'tokens stage-started']);
    expect(world.read).toEqual(['page-0', 'page-1', 'page-2', 'page-3', 'page-4']);
    expect(world.tried).toEqual(Array.from({ length: 100 }, (_, n) => n).filter((n) => n % 5 === 0 && n % 7 !== 0));
    const inOrder = (list: number[]) => list.toSorted((a, b) => a - b);
    for (const rows of ['clean/rows', 'clean/branches/even', 'tokens/rows'])
      expect(inOrder(await numbers(`runs/${rows}`)), rows).toEqual(inOrder(await numbers(`whole/${rows}`)));
    expect(readFileSync(join(folder, 'runs/clean/ledger.parquet'))).toEqual(
      readFileSync(join(folder, 'whole/clean/ledger.parquet')),
    );
    expect(counts('runs')).toEqual(counts('whole'));
    expect(existsSync(join(folder, 'runs/clean/retry'))).toBe(false);
    expect(readFileSync(join(folder, 'runs/report.html'), 'utf8')).toContain(
      '17 rows that had failed were tried again: 16 came through',
    );

    expect(kinds(await start('runs', true))).toEqual(['clean stage-skipped', 'tokens stage-skipped']);
  });

  it('stay in the ledger when they fail again, and change nothing behind them', async () => {
    const { world, start, kinds, ledger, numbers } = project();
    world.down = failing;
    await start('runs');
    const before = await ledger('runs');
    expect(kinds(await start('runs', true))).toEqual(['clean stage-retried', 'tokens stage-skipped']);
    expect(await ledger('runs')).toEqual(before);

    // Some of them, then the rest, in files of their own.
    world.down = (n) => failing(n) && n > 50;
    await start('runs', true);
    world.down = () => false;
    await start('runs', true);
    const rows = await numbers('runs/clean/rows');
    expect(rows.length).toBe(new Set(rows).size);
    expect((await ledger('runs')).some(({ reason }) => reason === 'unreachable')).toBe(false);
  });

  it.each([
    [
      'an operator that carries a state',
      '- { use: retry/fetch }',
      '- { use: retry/fetch }\n      - { use: dedup/exact, with: { columns: [n], expected: 1000 } }',
    ],
    ['a branch that was given them', '- { use: retry/fetch }', '- { use: retry/fetch, rejected: lost }'],
  ])('start their stage over where there is %s, to the bytes of a whole run', async (_, from, to) => {
    const text = manifest.replace(from, to);
    const branch = to.includes('lost')
      ? text.replace('    branches:\n', '    branches:\n      lost: { steps: [], sink: { use: sink/parquet } }\n')
      : text;
    const { folder, world, start, kinds } = project(branch);
    await start('whole');
    world.down = failing;
    await start('runs');
    world.down = () => false;
    expect(kinds(await start('runs', true))).toEqual([
      'clean stage-retried',
      'clean stage-started',
      'tokens stage-started',
    ]);
    const digests = (output: string) =>
      (JSON.parse(readFileSync(join(folder, output, 'report.json'), 'utf8')) as RunReport).stages.map(
        ({ digest }) => digest,
      );
    expect(digests('runs')).toEqual(digests('whole'));
  });

  it('start a tokenization over that learns from all of its rows', async () => {
    const text = manifest
      .replace('      - { use: retry/fetch }\n', '')
      .replace('    from: clean\n', '    from: clean\n    steps: [{ use: retry/fetch }]\n');
    const { world, start, kinds, numbers } = project(text);
    world.down = failing;
    await start('runs');
    world.down = () => false;
    expect(kinds(await start('runs', true))).toEqual([
      'clean stage-skipped',
      'tokens stage-retried',
      'tokens stage-started',
    ]);
    expect((await numbers('runs/tokens/rows')).filter(failing).length).toBeGreaterThan(10);
  });
});

describe('an interrupted retry', () => {
  const record = { fingerprint: 'f', files: [], figures: [], report: {} };

  it('is forgotten when it was not committed', async () => {
    const folder = makeFolder({ 'stage.json': 'before', 'retry/rows/part-00000.parquet': 'new' });
    await settleRetry(folder);
    expect(existsSync(join(folder, 'retry'))).toBe(false);
    expect(readFileSync(join(folder, 'stage.json'), 'utf8')).toBe('before');
  });

  it('is finished when it was, wherever it was interrupted', async () => {
    const folder = makeFolder({ 'stage.json': 'before', 'retry/rows/b': 'second', 'rows/retry-1-a': 'first' });
    const moves = [
      ['retry/rows/a', 'rows/retry-1-a'],
      ['retry/rows/b', 'rows/retry-1-b'],
    ];
    mkdirSync(join(folder, 'retry'), { recursive: true });
    writeFileSync(join(folder, 'retry/commit.json'), JSON.stringify({ moves, record }));
    await settleRetry(folder);
    expect(existsSync(join(folder, 'retry'))).toBe(false);
    expect(JSON.parse(readFileSync(join(folder, 'stage.json'), 'utf8'))).toEqual(record);
    expect(['a', 'b'].map((name) => readFileSync(join(folder, `rows/retry-1-${name}`), 'utf8'))).toEqual([
      'first',
      'second',
    ]);
  });
});
