import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { addDroppedCommand } from '../../../pipeline/commands/dropped.js';
import type { DroppedRow } from '../../../pipeline/graph/chain.js';
import { openLedger } from '../../../pipeline/run/ledger.js';
import { makeFolder } from '../folder.js';

const short = (row: number): DroppedRow => ({
  stage: 'pairs',
  operator: 'filter/caption-length[1]',
  reason: 'short',
  measure: 'words',
  value: row % 3,
  file: 'a.parquet',
  rowGroup: 2,
  row,
  epoch: 0,
});
const broken: DroppedRow = {
  stage: 'pairs',
  operator: 'image/decode[0]',
  reason: 'undecodable',
  detail: 'it is \u001b[31mno image',
  file: 'b.parquet',
  row: 7,
  epoch: 1,
};

/** A run of three stages: one that dropped rows, one that dropped none, one without a ledger. */
async function makeRun(rows: readonly DroppedRow[]): Promise<string> {
  const run = makeFolder({
    'report.json': JSON.stringify({ stages: [{ name: 'pairs' }, { name: 'tokens' }, { name: 'train' }] }),
  });
  for (const [stage, own] of [
    ['pairs', rows],
    ['tokens', []],
  ] as const) {
    mkdirSync(join(run, stage));
    const ledger = await openLedger(join(run, stage, 'ledger.parquet'));
    for (const row of own) ledger.append(row);
    await ledger.close();
  }
  return run;
}

async function dropped(...args: readonly string[]): Promise<string> {
  let out = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text;
    return true;
  });
  const program = new Command('alignflow').exitOverride().configureOutput({ writeErr: () => undefined });
  addDroppedCommand(program);
  await program.parseAsync(['node', 'alignflow', 'dropped', ...args]);
  return out;
}

afterEach(() => {
  vi.restoreAllMocks();
});

const rows = [...Array.from({ length: 1200 }, (_, row) => short(row)), broken];

describe('dropped', () => {
  it('adds up rows by stage, operator and reason, and shows some of each', async () => {
    expect(await dropped(await makeRun(rows), '--show', '3')).toBe(
      `stage  operator                  reason        rows  measured
pairs  filter/caption-length[1]  short        1,200  words 0 to 2, mean 1
pairs  image/decode[0]           undecodable      1

3 of 1,201:
stage  operator                  reason       measured             from
pairs  filter/caption-length[1]  short        words 0              a.parquet, row group 2, row 0
pairs  filter/caption-length[1]  short        words 1              a.parquet, row group 2, row 1
pairs  image/decode[0]           undecodable  it is ·[31mno image  b.parquet, row 7, epoch 1
`,
    );
  });

  it('picks rows, and lets nothing in them reach the terminal as it is', async () => {
    const run = await makeRun(rows);
    const expected = `stage  operator         reason       rows  measured
pairs  image/decode[0]  undecodable     1

All 1:
stage  operator         reason       measured             from
pairs  image/decode[0]  undecodable  it is ·[31mno image  b.parquet, row 7, epoch 1
`;
    expect(await dropped(run, '--reason', 'undecodable')).toBe(expected);
    expect(await dropped(run, '--operator', 'image/decode')).toBe(expected);
    expect(await dropped(run, '--operator', 'image/decode[0]', '--stage', 'pairs')).toBe(expected);
    expect(await dropped(run, '--stage', 'tokens')).toBe('no row was dropped\n');
    expect(await dropped(run, '--show', '0')).not.toContain('of 1,201');
  });

  it('writes every row as a line of JSON', async () => {
    const lines = (await dropped(await makeRun(rows), '--json')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual(rows);
  });

  it.each([
    [['--stage', 'pair'], 'there is no stage pair; expected: one of pairs, tokens, train; did you mean pairs?'],
    [['--reason', 'shrot'], 'there is no reason for which a row was dropped shrot'],
    [['--operator', 'filter/score'], 'there is no operator that dropped a row filter/score'],
    [['--show', 'all'], 'a whole number, 0 or more'],
  ])('says what there is: %s', async (args, message) => {
    const run = await makeRun(rows);
    const failure = (await dropped(run, ...args).catch((error: unknown) => error)) as Error;
    expect(failure.message.replaceAll('\n', ' ')).toContain(message.split(';')[0]);
  });

  it('says that a folder is no run, and that a ledger is broken', async () => {
    await expect(dropped(makeFolder({}))).rejects.toThrow('there is no run');
    await expect(dropped(makeFolder({ 'report.json': '{' }))).rejects.toThrow('this is no report');
    const run = await makeRun(rows);
    writeFileSync(join(run, 'tokens', 'ledger.parquet'), 'PAR1 and no more');
    await expect(dropped(run)).rejects.toThrow('this is no ledger that can be read');
  });
});
