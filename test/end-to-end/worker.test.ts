import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  Dictionary,
  Int32,
  type RecordBatch,
  Table,
  tableFromIPC,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { batchOf, int32Column, utf8Column } from '../../pipeline/batch/build.js';
import { readRows } from './running.js';
import { drawShapes, makeFolder, writeShapes } from './shapes.js';

const command = join(import.meta.dirname, '../../stages/alignflow.js');

let folder: string;

beforeEach(async () => {
  folder = await makeFolder();
  await writeShapes(folder, 'train', await drawShapes(1, 1));
  await mkdir(join(folder, 'operators'));
  writeFileSync(join(folder, 'shapes.yaml'), manifest);
  writeFileSync(join(folder, 'operators/loud.ts'), loud);
  writeFileSync(join(folder, 'operators/lossy.ts'), lossy);
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const manifest = `name: served
memory: 64MB
operators: [./operators]
stages:
  words:
    use: filtering
    source: { use: source/parquet, with: { path: data/train, columns: [caption, key] } }
    steps:
      - { use: filter/caption-length, with: { min: 2 } }
      - { use: test/loud }
  pairs:
    use: filtering
    source: { use: source/parquet, with: { path: data/train, columns: [caption, key] } }
    steps:
      - { use: order/batch, with: { rows: 5 } }
  lossy:
    use: filtering
    source: { use: source/parquet, with: { path: data/train, columns: [caption, key] } }
    steps:
      - { use: test/lossy }
  plain:
    use: filtering
    source: { use: source/parquet, with: { path: data/train } }
`;

/** Prints where a worker must not, and throws at a word. */
const loud = `import { defineFilter, readColumn } from 'alignflow';
import { Utf8 } from 'apache-arrow';

/** Keeps all rows, loudly. */
export interface Loud {}

export default defineFilter({
  name: 'test/loud',
  defaults: {},
  reads: (_config: Loud) => ({ caption: new Utf8() }),
  drops: [],
  judge: (batch) => {
    console.log('a batch of', batch.numRows);
    const captions = readColumn(batch, 'caption', Utf8);
    return (row) => {
      if (captions.get(row)?.includes('fail')) throw new Error('it failed as it was told to');
      return undefined;
    };
  },
});
`;

/** Forgets the first row of a batch of several. */
const lossy = `import { defineOperator, sliceBatch } from 'alignflow';
import { map } from 'rxjs';
export default defineOperator({
  name: 'test/lossy', defaults: {}, reads: (_: object) => ({}), writes: (schema) => schema,
  run: () => map((batch) => (batch.numRows > 1 ? sliceBatch(batch, 1, batch.numRows) : batch)),
});
`;

const rows = (...captions: readonly (string | null)[]) =>
  batchOf({ caption: utf8Column(captions), key: utf8Column(captions.map((_, i) => `k${i}`)) });

/** Starts a worker of a stage. */
function start(stage: string, ...more: readonly string[]) {
  const child = spawn(process.execPath, [command, 'worker', 'shapes.yaml', '--stage', stage, ...more], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1', ALIGNFLOW_CACHE: join(folder, 'cache') },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  child.stdin.on('error', () => undefined); // It may end before it has read all.
  const ended = once(child, 'close').then(([code]) => code as number);
  return { child, ended, log: () => log };
}

/** What a worker makes of batches: the captions of each batch that comes back. */
async function served(stage: string, batches: readonly RecordBatch[], ...more: readonly string[]) {
  const { child, ended, log } = start(stage, ...more);
  const out = readAll(child);
  child.stdin!.end(tableToIPC(new Table(batches), 'stream'));
  const bytes = await out;
  const code = await ended;
  const table = code === 0 ? tableFromIPC(bytes) : undefined;
  return {
    code,
    log: log(),
    bytes,
    metadata: table?.schema.metadata,
    batches: table?.batches.map((batch) => [...batch.getChild('caption')!]),
  };
}

async function readAll(child: ChildProcess): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of child.stdout as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

describe('alignflow worker', () => {
  it('gives a batch for each batch, an empty one where all rows were dropped, and nothing else', async () => {
    const ledger = join(folder, 'ledger.parquet');
    const { code, log, metadata, batches } = await served(
      'words',
      [rows('two words', 'one'), rows('one', 'word'), rows(), rows(null, 'three of them', 'and two')],
      '--ledger',
      ledger,
    );
    expect({ code, batches }).toEqual({
      code: 0,
      batches: [['two words'], [], [], ['three of them', 'and two']],
    });
    expect(log).toContain('a batch of 1');
    expect(metadata!.get('alignflow.stage')).toBe('words');
    expect(metadata!.get('alignflow.fingerprint')).toMatch(/^[0-9a-f]{64}$/);
    expect((await readRows(ledger)).map(({ reason, row }) => [reason, row])).toEqual([
      ['short', 1],
      ['short', 2],
      ['short', 3],
      ['null', 4],
    ]);
  });
  it('gives rows that a step keeps with a later batch', async () => {
    const { batches } = await served('pairs', [rows('a', 'b', 'c'), rows('d', 'e', 'f'), rows('g', 'h', 'i', 'j')]);
    expect(batches).toEqual([[], ['a', 'b', 'c', 'd', 'e'], ['f', 'g', 'h', 'i', 'j']]);
  });

  it('takes columns in any order, and dictionaries', async () => {
    const caption = vectorFromArray(['two words', 'one', 'two words'], new Dictionary(new Utf8(), new Int32()));
    const { batches } = await served('words', [batchOf({ key: utf8Column(['a', 'b', 'c']), caption })]);
    expect(batches).toEqual([['two words', 'two words']]);
  });

  it('gives no batch for none', async () => {
    const { schema } = rows();
    const { child, ended } = start('words');
    const out = readAll(child);
    child.stdin.end(tableToIPC(new Table(schema), 'stream'));
    const table = tableFromIPC(await out);
    expect([table.numRows, table.schema.names, await ended]).toEqual([0, ['caption', 'key'], 0]);
  });

  it.each([
    ['a column too few', batchOf({ caption: utf8Column(['a']) }), 'there is no column key'],
    [
      'a column too many',
      batchOf({ caption: utf8Column(['a']), key: utf8Column(['a']), n: int32Column([1]) }),
      'the stage knows no column n',
    ],
    ['a column of another type', batchOf({ caption: int32Column([1]), key: utf8Column(['a']) }), 'caption'],
  ])('names the difference of %s', async (_, batch, message) => {
    const { code, log, bytes } = await served('words', [batch]);
    expect({ code, bytes: bytes.length }).toEqual({ code: 1, bytes: 0 });
    expect(log).toContain('standard input has other columns than the rows of the stage');
    expect(log).toContain(message);
    expect(log).toContain('expected: caption: Utf8, key: Utf8');
  });

  it('says why it dies: an operator that fails, and no whole stream before it', async () => {
    const { code, log, bytes } = await served('words', [
      rows('two words'),
      rows('this must fail'),
      rows('not reached'),
    ]);
    expect(code).toBe(1);
    expect(log).toContain('stage words, operator test/loud[1]: the operator failed: it failed as it was told to');
    expect(bytes.subarray(-8)).not.toEqual(Buffer.from([255, 255, 255, 255, 0, 0, 0, 0]));
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('caption,key\na,b\n')],
    ['a stream that is cut', Buffer.from(tableToIPC(new Table([rows('two words')]), 'stream')).subarray(0, -60)],
  ])('says that standard input is no whole stream: %s', async (_, bytes) => {
    const { child, ended, log } = start('words');
    child.stdout.resume();
    child.stdin.end(bytes);
    expect(await ended).toBe(1);
    expect(log()).toContain('standard input is no whole Arrow IPC stream');
  });

  it('fails, with no whole stream, when an operator loses rows', async () => {
    const { code, log, bytes } = await served('lossy', [rows('one two'), rows('three four', 'five six')]);
    expect(code).toBe(1);
    expect(log).toMatch(
      /stage lossy, operator test\/lossy\[0\]: 3 rows went in, 2 came out and 0 were dropped: 1 were lost/,
    );
    expect(bytes.subarray(-8)).not.toEqual(Buffer.from([255, 255, 255, 255, 0, 0, 0, 0]));
  });

  it('ends when its host has gone', async () => {
    const { child, ended, log } = start('words');
    child.stdout.destroy();
    child.stdin.end(tableToIPC(new Table(Array.from({ length: 50 }, () => rows('two words'))), 'stream'));
    expect(await ended).toBe(1);
    expect(log()).toContain('the host takes no more rows');
  });

  it('names a stage that can be served', async () => {
    const unknown = await served('wrods', []);
    expect(unknown.log).toMatch(/there is no stage wrods\n.*one of words, pairs, lossy\n.*did you mean words\?/);
    const without = await served('plain', []);
    expect(without.log).toContain('the stage plain has no steps to run');
  });
});
