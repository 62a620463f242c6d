import { describe, expect, it } from 'vitest';
import { chromeTrace } from '../../../stages/profile/chrome-trace.js';
import type { TimedOp } from '../../../stages/profile/op-clock.js';
import type { Profile } from '../../../stages/profile/profile.js';
import { describeProfile } from '../../../stages/profile/profile-text.js';
import { byModule } from '../../../stages/profile/summary.js';

const op = (name: string, module: string, start: number, milliseconds: number, flops = 0): TimedOp => ({
  name,
  module,
  start,
  milliseconds,
  flops,
});

const profile: Profile = {
  stage: 'contrast',
  mode: 'compiled steps, products in float32',
  steps: 20,
  samples: 256,
  milliseconds: 100,
  waiting: 0.0123,
  flops: 2e9,
  attainable: 200e9,
  ops: [
    [
      op('MatMul', 'tower.layers.0.attn', 10, 4, 1e9),
      op('Add', 'tower.layers.1.attn', 14, 2),
      op('MatMul', 'tower.layers.1.attn', 16, 4, 1e9),
      op('Sum', '', 20, 1),
    ],
    [
      op('MatMul', 'tower.layers.0.attn', 110, 6, 1e9),
      op('Add', 'tower.layers.1.attn', 116, 2),
      op('MatMul', 'tower.layers.1.attn', 118, 6, 1e9),
      op('Sum', '', 124, 3),
    ],
  ],
  peak: {
    bytes: 3e6,
    modules: new Map([
      ['tower.layers.0.attn', 1e6],
      ['tower.layers.1.attn', 1.5e6],
      ['', 5e5],
    ]),
  },
};

describe('a profile', () => {
  it('is told as the step, then by module and by op, for one step', () => {
    expect(describeProfile(profile)).toBe(`contrast: compiled steps, products in float32
  step        100.0 ms, median of 20: 2560 samples/s in batches of 256
  waiting     1.2 % of the time for data
  products    2.00 GFLOP a step: 20.0 GFLOP/s, 10 % of the 200 of a large product
  op by op    14.0 ms, which is what is told below; at most 3.00 MB in tensors

  module                            ms   share  ops  GFLOP  GFLOP/s  at the peak
  tower.layers.*.attn            12.00  85.7 %    3   2.00      167      2.50 MB
  gradients of plain ops, feeds   2.00  14.3 %    1                       500 kB

  op         ms   share  ops  GFLOP  GFLOP/s
  MatMul  10.00  71.4 %    2   2.00      200
  Add      2.00  14.3 %    1
  Sum      2.00  14.3 %    1
`);
  });

  it('says that WebAssembly has no ops to tell', () => {
    const text = describeProfile({ ...profile, ops: [], flops: 0 });
    expect(text).toMatch(/ {2}op by op {4}only with TensorFlow\n$/);
  });

  it('has equal layers as one, with all of their time', () => {
    expect(byModule(profile).reduce((sum, { milliseconds }) => sum + milliseconds, 0)).toBe(14);
  });

  it('is a trace of modules above their ops, in microseconds from the first', () => {
    const { traceEvents } = JSON.parse(chromeTrace(profile)) as { traceEvents: Record<string, unknown>[] };
    const rows = (tid: number) =>
      traceEvents.filter((event) => event.ph === 'X' && event.tid === tid).map(({ name, ts, dur }) => [name, ts, dur]);
    expect(rows(1).slice(0, 3)).toEqual([
      ['tower.layers.0.attn', 0, 4000],
      ['tower.layers.1.attn', 4000, 6000],
      ['other', 10_000, 1000],
    ]);
    expect(rows(2)).toHaveLength(8);
    expect(rows(2)[1]).toEqual(['Add', 4000, 2000]);
  });
});
