import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { openEventLog } from '../../../pipeline/run/event-log.js';
import type { RunEvent } from '../../../pipeline/run/events.js';
import { makeFolder } from '../folder.js';

const step: RunEvent = {
  kind: 'stage-event',
  stage: 'contrast',
  event: { kind: 'step', step: 7, samples: 256, values: { loss: Number.NaN, rate: 0.5 } },
};
const sample: RunEvent = {
  kind: 'stage-event',
  stage: 'score',
  event: { kind: 'sample', title: 'captioning', text: 'a\nb', image: Uint8Array.of(1, 2, 3) },
};

describe('the event log', () => {
  it('has a line for each event with its time, without pictures', async () => {
    const path = join(makeFolder({ 'events.jsonl': 'of an earlier run\n' }), 'events.jsonl');
    const log = await openEventLog(path, expect.unreachable);
    log.write(step);
    log.write(sample);
    await log.close();
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { time, ...step, event: { ...step.event, values: { loss: null, rate: 0.5 } } },
      { time, kind: 'stage-event', stage: 'score', event: { kind: 'sample', title: 'captioning', text: 'a\nb' } },
    ]);
  });

  it('goes to standard output for -', async () => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const log = await openEventLog('-', expect.unreachable);
    log.write(step);
    await log.close();
    expect(JSON.parse(String(write.mock.calls[0]![0]))).toMatchObject({ kind: 'stage-event', stage: 'contrast' });
    write.mockRestore();
  });

  it('says at once that a file cannot be opened', async () => {
    const folder = makeFolder({});
    await expect(openEventLog(join(folder, 'no/events.jsonl'), expect.unreachable)).rejects.toThrow(
      'cannot be written',
    );
  });

  it.skipIf(!existsSync('/dev/full'))(
    'warns once when the disk is full, and lets the run go on (needs /dev/full)',
    async () => {
      const warn = vi.fn();
      const log = await openEventLog('/dev/full', warn);
      log.write(step);
      await vi.waitFor(() => expect(warn).toHaveBeenCalled());
      log.write(step);
      await log.close();
      expect(warn).toHaveBeenCalledTimes(1);
      expect(warn.mock.calls[0]![0]).toMatch(/^\/dev\/full: no more events are written: /);
    },
  );
});
