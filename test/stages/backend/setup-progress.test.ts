import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { createSetupProgress, describeSetup } from '../../../stages/backend/setup-progress.js';

test('a fetch tells bytes, rate and time left', () => {
  const event = {
    step: 'fetch',
    name: '/cache/tensorflow_cpu-2.21.0-cp311-cp311-linux.whl',
    done: 100e6,
    total: 300e6,
  } as const;
  expect(describeSetup(event, 5)).toBe('setup: fetching tensorflow_cpu 2.21.0: 100 MB / 300 MB, 20.0 MB/s, 10 s left');
  expect(describeSetup({ ...event, done: 0 }, 0)).toBe('setup: fetching tensorflow_cpu 2.21.0: 0 B / 300 MB');
});

test('without a terminal: a line at the start of each part, and one every 5 seconds', () => {
  const stream = Object.assign(new PassThrough(), { isTTY: false }) as unknown as NodeJS.WriteStream;
  let time = 0;
  const progress = createSetupProgress(stream, () => time);
  for (const [at, done] of [
    [0, 0],
    [1000, 10e6],
    [5000, 50e6],
    [9000, 90e6],
  ] as const) {
    time = at;
    progress.report({ step: 'fetch', name: 'nvidia_nccl_cu12-2.27.7-py3-none-linux.whl', done, total: 100e6 });
  }
  progress.report({ step: 'wait', name: '/cache' });
  progress.report({ step: 'compile', name: 'tfjs_binding.node' });
  progress.stop();
  expect(String((stream as unknown as PassThrough).read())).toBe(
    [
      'setup: fetching nvidia_nccl_cu12 2.27.7: 0 B / 100 MB',
      'setup: fetching nvidia_nccl_cu12 2.27.7: 50.0 MB / 100 MB, 10.0 MB/s, 5.0 s left',
      'setup: another process is at it in /cache; waiting for it',
      "setup: compiling TensorFlow's addon (about 10 s)",
      '',
    ].join('\n'),
  );
});
