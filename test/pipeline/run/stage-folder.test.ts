import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { completeStage, inspectStage, openStage } from '../../../pipeline/run/stage-folder.js';
import type { StageRecord } from '../../../pipeline/run/stage-record.js';
import { makeFolder } from '../folder.js';

const shard = 'rows/part-00000.parquet';
const record: StageRecord = {
  figures: [],
  fingerprint: 'f1',
  files: [{ file: shard, bytes: 5, sha256: createHash('sha256').update('12345').digest('hex') }],
  report: { name: 's', use: 'filtering', status: 'complete', seconds: 1 },
};
const started = { 'started.json': '{"fingerprint":"f1"}' };
const complete = { ...started, 'stage.json': JSON.stringify(record), 'rows/part-00000.parquet': '12345' };

const kindOf = async (files: Record<string, string>, fingerprint = 'f1') =>
  (await inspectStage(makeFolder(files), fingerprint)).kind;

describe('inspectStage', () => {
  it('takes a stage for complete by its mark, its fingerprint and the sizes of its files', async () => {
    expect(await kindOf(complete)).toBe('complete');
    expect(await kindOf(complete, 'f2')).toBe('new');
    expect(await kindOf({ ...complete, 'rows/part-00000.parquet': '1234' })).toBe('new');
    expect(await kindOf({ ...complete, 'stage.json': JSON.stringify(record).slice(0, -9) })).toBe('new');
    const folder = makeFolder(complete);
    rmSync(join(folder, 'rows'), { recursive: true });
    expect(await inspectStage(folder, 'f1')).toEqual({ kind: 'new', folder, changed: shard });
  });

  it('looks at the bytes of files that are younger than the mark', async () => {
    const folder = makeFolder(complete);
    const age = (file: string, seconds: number) => utimesSync(join(folder, file), seconds, seconds);
    age('stage.json', 1000);
    age(shard, 999);
    writeFileSync(join(folder, shard), '12345');
    expect((await inspectStage(folder, 'f1')).kind).toBe('complete');
    writeFileSync(join(folder, shard), '12354');
    expect(await inspectStage(folder, 'f1')).toEqual({ kind: 'new', folder, changed: shard });
  });

  it('refuses what lies among the rows and was not written there, but for hidden files and what a sink keeps', async () => {
    const stray = (file: string) => kindOf({ ...complete, [file]: 'x' });
    for (const file of ['rows/part-00001.parquet', 'branches/short/part-00000.parquet'])
      await expect(stray(file)).rejects.toThrow(
        new RegExp(`${file} lies among the rows of the stage, which did not write it\\n.*\\n {2}to do: move it`),
      );
    for (const file of ['rows/.part-00000.parquet.crc', 'rows/.trash/a.parquet', 'rows/part.index', 'notes.parquet'])
      expect(await stray(file)).toBe('complete');
  });

  it('takes a mark of another form for none', async () => {
    for (const change of [{ report: undefined }, { files: [{}] }, { figures: 3 }, { fingerprint: 7 }])
      expect(await kindOf({ ...complete, 'stage.json': JSON.stringify({ ...record, ...change }) })).toBe('new');
  });

  it('goes on where there are checkpoints of the same fingerprint and no mark', async () => {
    const checkpoints = { 'checkpoints/step-00000001/state.json': '{}' };
    expect(await kindOf({ ...started, ...checkpoints })).toBe('interrupted');
    expect(await kindOf({ ...started, ...checkpoints }, 'f2')).toBe('new');
    expect(await kindOf(started)).toBe('new');
    // Its files have gone: what is left is no start to go on from.
    expect(await kindOf({ ...complete, ...checkpoints, 'rows/part-00000.parquet': '' })).toBe('new');
  });

  it('takes what is not there, or empty, for new, and refuses what no run has written', async () => {
    const folder = makeFolder({});
    expect((await inspectStage(join(folder, 'none'), 'f1')).kind).toBe('new');
    expect((await inspectStage(folder, 'f1')).kind).toBe('new');
    await expect(kindOf({ 'photo.jpg': 'x', 'stage.json': 'no JSON' })).rejects.toThrow(
      /the folder of the stage holds files that alignflow did not write, such as (photo\.jpg|stage\.json)/,
    );
  });

  it('knows what a kill leaves of its first file', async () => {
    expect(await kindOf({ 'started.json.0b2c.tmp': '{"fi' })).toBe('new');
  });
});

describe('openStage', () => {
  const open = async (files: Record<string, string>, fingerprint = 'f1') => {
    const folder = makeFolder(files);
    await openStage(await inspectStage(folder, fingerprint), fingerprint, 'name: x\n');
    return folder;
  };

  it('empties the folder of another fingerprint', async () => {
    const folder = await open({ ...complete, 'checkpoints/step-00000001/state.json': '{}' }, 'f2');
    expect(readdirSync(folder).sort()).toEqual(['manifest.yaml', 'started.json']);
    expect(readFileSync(join(folder, 'started.json'), 'utf8')).toBe('{"fingerprint":"f2"}');
    expect((await inspectStage(folder, 'f2')).kind).toBe('new');
  });

  it('keeps the checkpoints of an interrupted stage, and nothing else that it left', async () => {
    const folder = await open({
      ...started,
      'checkpoints/step-00000001/state.json': '{}',
      'tokenizer.json.123.tmp': 'half',
      'ledger.parquet.tmp': 'half',
      'rows/part-00000.parquet': 'half',
    });
    expect(readdirSync(folder).sort()).toEqual(['checkpoints', 'manifest.yaml', 'started.json']);
    expect(existsSync(join(folder, 'checkpoints/step-00000001/state.json'))).toBe(true);
    expect((await inspectStage(folder, 'f1')).kind).toBe('interrupted');
  });

  it('makes a stage that completeStage completes', async () => {
    const folder = await open({});
    writeFileSync(join(folder, 'tokenizer.json'), '{}');
    await completeStage(folder, { ...record, files: [{ file: 'tokenizer.json', bytes: 2, sha256: 'x' }] });
    expect(await inspectStage(folder, 'f1')).toMatchObject({ kind: 'complete', record: { fingerprint: 'f1' } });
  });
});
