import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { StageEvent } from '../../../pipeline/metrics.js';
import type { RunEvent } from '../../../pipeline/run/events.js';
import { createProgressView } from '../../../pipeline/terminal/progress.js';

/** A view on a stream that only remembers, with a clock that stands still unless it is told to go on. */
function view({
  tty,
  columns,
  progress = true,
}: {
  readonly tty: boolean;
  readonly columns?: number;
  readonly progress?: boolean;
}) {
  let [time, written] = [0, ''];
  const stream = {
    isTTY: tty,
    columns,
    rows: 24,
    write: (text: string) => {
      written += text;
      return true;
    },
  };
  const shown = createProgressView(stream as unknown as NodeJS.WriteStream, { progress, now: () => time });
  return {
    ...shown,
    wait: (seconds: number) => {
      time += 1000 * seconds;
    },
    event: (event: StageEvent) => shown.show({ kind: 'stage-event', stage: 'noisy', event }),
    /** The lines since it was last asked. */
    lines: () => {
      const lines = stripVTControlCharacters(written).split(/[\r\n]+/);
      written = '';
      return lines.filter((line) => line.trim() !== '');
    },
    /** What was written since it was last asked, control characters and all. */
    raw: () => {
      const text = written;
      written = '';
      return text;
    },
  };
}

const started: RunEvent = {
  kind: 'run-started',
  name: 'emoji',
  output: join(process.cwd(), 'runs/emoji'),
  stages: ['noisy', 'contrast'],
};
const stage: RunEvent = { kind: 'stage-started', stage: 'noisy', use: 'filtering', resumed: false };
const rows = (done: number, total?: number): StageEvent => ({
  kind: 'progress',
  done,
  unit: 'rows',
  ...(total === undefined ? {} : { total }),
});

describe('without progress', () => {
  it.each([true, false])('has lines for what begins, ends and is noteworthy alone; terminal %s', (tty) => {
    const log = view({ tty, progress: false });
    log.show(started);
    log.show(stage);
    log.wait(60);
    log.event(rows(100, 1000));
    log.event({ kind: 'note', text: 'mind this' });
    log.show({ kind: 'stage-complete', stage: 'noisy', seconds: 61, summary: '9 rows', digest: '0123456789abcdef' });
    log.stop();
    expect(log.lines()).toEqual([
      'emoji: 2 stages into runs/emoji',
      '  noisy: filtering',
      '  noisy: mind this',
      '✓ noisy     9 rows (1 min 01 s)  0123456789ab',
    ]);
  });
});

describe('plain log', () => {
  it('has a line for each thing that happens, without control characters', () => {
    const log = view({ tty: false });
    log.show(started);
    log.show({ kind: 'stage-skipped', stage: 'noisy', use: 'filtering', digest: '0123456789abcdef' });
    log.show({ kind: 'stage-started', stage: 'contrast', use: 'contrastive', resumed: true });
    log.show({ kind: 'stage-event', stage: 'contrast', event: { kind: 'note', text: 'compiled steps' } });
    log.show({
      kind: 'stage-complete',
      stage: 'contrast',
      seconds: 61,
      summary: '60 steps, loss 2',
      digest: 'fedcba9876543210',
    });
    log.show({ kind: 'run-complete', seconds: 62, report: join(process.cwd(), 'runs/emoji/report.html') });
    log.stop();
    const text = log.raw();
    expect(text).toBe(stripVTControlCharacters(text));
    expect(text.split('\n')).toEqual([
      'emoji: 2 stages into runs/emoji',
      '= noisy     complete, skipped  0123456789ab',
      '  contrast: contrastive, goes on from its last checkpoint',
      '  contrast: compiled steps',
      '✓ contrast  60 steps, loss 2 (1 min 01 s)  fedcba987654',
      'done in 1 min 02 s; the report is runs/emoji/report.html',
      '',
    ]);
  });

  it('has a line of progress every ten seconds, however many events there are', () => {
    const log = view({ tty: false });
    log.show(started);
    log.show(stage);
    log.lines();
    for (let second = 1; second <= 25; second++) {
      log.wait(1);
      log.event(rows(second * 100, 5000));
    }
    expect(log.lines()).toEqual([
      '  noisy: 1,000 / 5,000 rows  20 %  100/s  40 s left',
      '  noisy: 2,000 / 5,000 rows  40 %  100/s  30 s left',
    ]);
  });
});

describe('live line', () => {
  it('shows a stage from its start, and its progress at most 12 times a second', () => {
    const live = view({ tty: true, columns: 120 });
    live.show(started);
    live.lines();
    live.show(stage);
    expect(live.lines()).toEqual(['▸ noisy     0.0 s']);
    let drawn = 0;
    for (let i = 0; i < 1000; i++) {
      live.wait(0.001);
      live.event(rows(i));
      if (live.raw() !== '') drawn++;
    }
    expect(drawn).toBeGreaterThan(8);
    expect(drawn).toBeLessThanOrEqual(13);
  });

  it('says what is done, the rate since the stage began to report, the time left and the loss', () => {
    const live = view({ tty: true, columns: 120 });
    live.show(started);
    live.show(stage);
    live.wait(5);
    live.event({ kind: 'progress', done: 1000, total: 4000, unit: 'steps' });
    live.wait(2);
    live.event({ kind: 'step', step: 1200, samples: 1, values: { loss: 2.3456 } });
    live.lines();
    live.wait(2);
    live.event({ kind: 'progress', done: 1400, total: 4000, unit: 'steps' });
    expect(live.lines()).toEqual(['▸ noisy     1,400 / 4,000 steps  35 %  100/s  26 s left  loss 2.346']);
  });

  it('begins its rate anew with each part of a stage, and writes bytes as bytes', () => {
    const live = view({ tty: true, columns: 120 });
    live.show(started);
    live.show(stage);
    live.event(rows(1e6));
    live.wait(1);
    live.event({ kind: 'progress', done: 1e6, total: 4e6, unit: 'bytes', doing: 'fetching' });
    live.wait(1);
    live.lines();
    live.event({ kind: 'progress', done: 2e6, total: 4e6, unit: 'bytes', doing: 'fetching' });
    expect(live.lines()).toEqual(['▸ noisy     fetching  2.00 MB / 4.00 MB  50 %  1.00 MB/s  2.0 s left']);
  });

  it('shows below the stage where its rows are, as far as the window is high', () => {
    const live = view({ tty: true, columns: 120 });
    live.show(started);
    live.show(stage);
    live.event(rows(90, 100));
    live.lines();
    live.wait(1);
    const operator = (name: string, rowsOut: number, dropped = 0, seconds = 0) => ({
      name,
      rowsIn: rowsOut + dropped,
      rowsOut,
      dropped,
      bytes: 1e6,
      held: dropped * 10,
      seconds,
      waiting: 2 * seconds,
    });
    const told: RunEvent = {
      kind: 'stage-operators',
      stage: 'noisy',
      held: 12e6,
      memory: 1e9,
      operators: [
        operator('source/parquet', 1200),
        operator('filter/score[0]', 900, 300, 2),
        operator('sink/parquet', 90),
      ],
    };
    live.show(told);
    expect(live.lines()).toEqual([
      expect.stringContaining('▸ noisy     90 / 100 rows'),
      '  ├ source/parquet   1,200  1.00 MB',
      '  ├ filter/score[0]    900  1.00 MB  300 dropped  busy 2.0 s  waited 4.0 s  3.00 kB in its queue',
      '  ├ sink/parquet        90  1.00 MB',
      '  └ 12.0 MB of 1.00 GB in flight',
    ]);
    const many = Array.from({ length: 40 }, (_, i) => operator(`op[${i}]`, i));
    live.wait(1);
    live.show({ ...told, operators: many });
    expect(live.lines().length).toBeLessThanOrEqual(22);
    const log = view({ tty: false });
    log.show(started);
    log.show(stage);
    log.lines();
    log.wait(60);
    log.show(told);
    expect(log.lines().length).toBeLessThanOrEqual(1);
  });

  it('fits into a narrow window and survives one that is absurd', () => {
    for (const columns of [50, 8]) {
      const live = view({ tty: true, columns });
      live.show(started);
      live.show(stage);
      live.lines();
      live.wait(1);
      live.event(rows(1234567, 7654321));
      expect(live.lines().join('').length).toBeLessThanOrEqual(Math.max(50, 20 + 14));
    }
  });

  it('does not go below nothing left when there is more than was expected', () => {
    const live = view({ tty: true, columns: 120 });
    live.show(started);
    live.show(stage);
    live.event(rows(10, 100));
    live.wait(1);
    live.lines();
    live.event(rows(120, 100));
    expect(live.lines()).toEqual(['▸ noisy     120 / 100 rows  120 %  110/s  0.0 s left']);
  });

  it('takes no event of a stage before its start amiss', () => {
    const live = view({ tty: true });
    live.event(rows(1));
    live.stop();
    expect(live.lines()).toEqual([]);
  });
});
