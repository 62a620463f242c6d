import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { addReportCommand } from '../../../pipeline/commands/report.js';
import type { StageReport } from '../../../pipeline/run/report.js';
import { makeFolder } from '../folder.js';

const spent = { bytes: 4e6, seconds: 1, waiting: 0.5 };
const operators = [
  { name: 'source/parquet', rowsIn: 1200, rowsOut: 1190, dropped: [{ reason: 'unreadable', rows: 10 }], ...spent },
  {
    name: 'filter/caption-length[0]',
    rowsIn: 1190,
    rowsOut: 190,
    dropped: [
      { reason: 'null', rows: 100 },
      { reason: 'short', rows: 900 },
      { reason: 'long', rows: 0 },
    ],
    ...spent,
  },
];
const pairs: StageReport = {
  name: 'pairs',
  use: 'filtering',
  status: 'complete',
  seconds: 2,
  digest: 'abc',
  rows: {
    in: 1200,
    out: 190,
    ledger: 1010,
    operators,
    branches: [
      {
        name: 'red',
        in: 3,
        out: 3,
        ledger: 0,
        operators: [{ name: 'sink', rowsIn: 3, rowsOut: 3, dropped: [], ...spent }],
      },
    ],
  },
};
const manifest = `name: toy
stages:
  pairs: { use: filtering }
  tokens: { use: tokenization }
  train: { use: contrastive }
`;
const text = `pairs (filtering) complete, 2.0 s: 1,200 rows in = 190 out + 1,010 dropped
  source/parquet            1,190  dropped 10 unreadable
  filter/caption-length[0]    190  dropped 900 short, 100 null
  branch red
    sink  3
`;

/** The output folder of a run with these files, and what `alignflow report` says of it. */
async function report(files: Readonly<Record<string, string>>, ...args: readonly string[]) {
  const run = makeFolder({});
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(run, name, '..'), { recursive: true });
    writeFileSync(join(run, name), content);
  }
  let out = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((written) => {
    out += written;
    return true;
  });
  const program = new Command().exitOverride();
  addReportCommand(program);
  await program.parseAsync(['node', 'alignflow', 'report', run, ...args]);
  return { run, out };
}

afterEach(() => void vi.restoreAllMocks());

describe('alignflow report', () => {
  const complete = JSON.stringify({ fingerprint: 'f', files: [], figures: [], report: pairs });

  it('shows the flow of rows of a run that ended, and writes its page again', async () => {
    const left = { name: 'toy', seed: 7, startedAt: '2026-01-01T00:00:00Z', seconds: 9, backend: 'b', stages: [pairs] };
    const { run, out } = await report({ 'report.json': JSON.stringify(left), 'pairs/stage.json': complete });
    expect(out).toBe(`${text}report: ${join(run, 'report.html')}\n`);
    const page = readFileSync(join(run, 'report.html'), 'utf8');
    expect(page).toContain('2026-01-01');
    expect(page).toContain('<b>1,200</b> in');
  });

  it('shows a run that was killed, or is at work, from what its stages wrote', async () => {
    const files = { 'manifest.yaml': manifest, 'pairs/stage.json': complete, 'tokens/started.json': '{}' };
    const { run, out } = await report(files, '--out', join(makeFolder({}), 'page.html'));
    expect(out.startsWith(`${text}tokens (tokenization) unfinished\nreport: `)).toBe(true);
    expect(() => readFileSync(join(run, 'report.html'))).toThrow();
    const page = readFileSync(/report: (.*)\n/.exec(out)![1]!, 'utf8');
    expect(page).toContain('not finished');
    expect(page).not.toContain('train');
  });

  it.each([
    [true, 'is at work'],
    [false, 'was killed, or has ended without a report'],
  ])('says of a run that has no report yet that it is another than the last one: at work %s', async (atWork, state) => {
    const failed = { name: 'tokens', use: 'tokenization', status: 'failed', seconds: 1, notes: ['no room'] };
    const left = {
      name: 'old',
      seed: 7,
      startedAt: '2020-01-01T00:00:00Z',
      seconds: 9,
      backend: 'b',
      stages: [pairs, failed],
    };
    const owner = { pid: process.pid, host: hostname(), startedAt: '2026-01-01T00:00:00.000Z' };
    const files = {
      'manifest.yaml': manifest,
      'report.json': JSON.stringify(left),
      'run.json': JSON.stringify(owner),
      ...(atWork ? { 'run.lock/x': '' } : {}),
      'pairs/stage.json': complete,
      'tokens/started.json': '{}',
      'tokens/manifest.yaml': manifest,
    };
    const { run, out } = await report(files);
    const first = `process ${process.pid} on ${hostname()}, started 2026-01-01T00:00:00.000Z, ${state}: stages`;
    expect(out.startsWith(first)).toBe(true);
    expect(out).toContain('tokens (tokenization) unfinished\n');
    const page = readFileSync(join(run, 'report.html'), 'utf8');
    expect(page).toContain(first);
    expect(page).toContain('<h1>toy</h1>');
    expect(page).not.toContain('2020');
  });

  it('shows where a run failed', async () => {
    const failed = { name: 'tokens', use: 'tokenization', status: 'failed', seconds: 1, notes: ['no room'] };
    const left = { name: 'toy', seed: 7, startedAt: 'now', seconds: 9, backend: 'b', stages: [pairs, failed] };
    const files = { 'manifest.yaml': manifest, 'report.json': JSON.stringify(left), 'pairs/stage.json': complete };
    const { out } = await report(files);
    expect(out).toContain('tokens (tokenization) failed, 1.0 s\n');
  });

  it.each([
    [{}, 'there is no run in'],
    [{ 'report.json': '{' }, 'this is no report'],
    [{ 'report.json': '{}' }, 'it has no stages'],
  ])('says what a folder lacks: %j', async (files, message) => {
    await expect(report(files)).rejects.toThrow(message);
  });
});
