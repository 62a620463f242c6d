import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../../pipeline/run/events.js';
import { frame, openTensorboardLog, scalarEvent, versionEvent } from '../../../pipeline/run/tensorboard.js';
import { makeFolder } from '../folder.js';

interface Reference {
  readonly version: number;
  readonly cases: readonly { seconds: number; step: number; values: Readonly<Record<string, string>> }[];
  readonly bytes: string;
}

const reference = JSON.parse(
  readFileSync(new URL('../../reference/tensorboard.json', import.meta.url), 'utf8'),
) as Reference;
const number = (text: string) => (text === 'inf' ? Number.POSITIVE_INFINITY : Number(text));

const step = (stage: string, step: number, values: Record<string, number>): RunEvent => ({
  kind: 'stage-event',
  stage,
  event: { kind: 'step', step, samples: 8, values },
});

/** Lengths of the records of an events file. */
function recordsOf(folder: string): Buffer[] {
  const [name, ...more] = readdirSync(folder);
  expect([name, more]).toEqual([expect.stringMatching(/^events\.out\.tfevents\.\d+\.alignflow\.\d+$/), []]);
  const bytes = readFileSync(join(folder, name!));
  const records: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    records.push(bytes.subarray(at + 12, at + 12 + length));
    at += length + 16;
  }
  return records;
}

describe('the TensorBoard log', () => {
  it('has the bytes of TensorBoard’s own writer', () => {
    const events = reference.cases.map(({ seconds, step, values }) =>
      scalarEvent(seconds, step, Object.fromEntries(Object.entries(values).map(([tag, text]) => [tag, number(text)]))),
    );
    const file = Buffer.concat([versionEvent(reference.version), ...events].map(frame));
    expect(file.equals(Buffer.from(reference.bytes, 'base64'))).toBe(true);
  });

  it('has a folder for each stage that trains, and the figures of each step', async () => {
    const folder = join(makeFolder({}), 'board');
    const log = await openTensorboardLog(folder, (line) => expect(line).toBe(''));
    log.write({ kind: 'run-started', name: 'x', output: 'runs/x', stages: [] });
    for (let i = 1; i <= 500; i++) log.write(step('contrast', i, { loss: 1 / i, learning_rate: 0.1 }));
    log.write(step('generate', 1, { loss: 2 }));
    await log.close();
    expect(readdirSync(folder).sort()).toEqual(['contrast', 'generate']);
    const records = recordsOf(join(folder, 'contrast'));
    expect(records.length).toBe(501);
    expect(records[0]!.toString('latin1')).toContain('brain.Event:2');
    expect(records[500]!.toString('latin1')).toContain('learning_rate');
    expect(recordsOf(join(folder, 'generate')).length).toBe(2);
  });

  it('says that it cannot write, once, and the run goes on', async () => {
    const folder = makeFolder({ taken: '' });
    await expect(openTensorboardLog(join(folder, 'taken'), () => undefined)).rejects.toThrow('taken');
    const told: string[] = [];
    const log = await openTensorboardLog(join(folder, 'board'), (line) => told.push(line));
    writeFileSync(join(folder, 'board/contrast'), 'no folder');
    for (let i = 1; i < 5; i++) log.write(step('contrast', i, { loss: 1 }));
    await log.close();
    expect(told).toEqual([expect.stringMatching(/board: no more figures are written: /)]);
  });
});
