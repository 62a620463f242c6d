import { describe, expect, it } from 'vitest';
import { createAccount, type OperatorAccount } from '../../../pipeline/graph/account.js';
import type { StepMetrics } from '../../../pipeline/metrics.js';
import { collectReport } from '../../../pipeline/run/stage-report.js';
import { describeStage } from '../../../pipeline/run/summary.js';

const stage = { name: 'learn', stage: { name: 'contrastive' } } as Parameters<typeof collectReport>[0];
const end = { seconds: 3, accounts: [], branches: [], examples: [], digest: 'd', gates: [] };
const step = (n: number, loss = 1 / n): StepMetrics => ({ kind: 'step', step: n, samples: 16, values: { loss } });

function account(
  operator: string,
  rowsIn: number,
  rowsOut: number,
  dropped: Record<string, number> = {},
): OperatorAccount {
  return Object.assign(createAccount(operator), { rowsIn, rowsOut, dropped: new Map(Object.entries(dropped)) });
}

describe('stage report', () => {
  it('keeps every step of a short run', () => {
    const report = collectReport(stage);
    for (let n = 1; n <= 600; n++) report.take(step(n));
    const { curve } = report.finish(end);
    expect(curve?.map((point) => point.step)).toEqual(Array.from({ length: 600 }, (_, i) => i + 1));
  });

  it('thins the curve of a long run evenly, keeps its last step, and keeps no more than it says', () => {
    const report = collectReport(stage);
    for (let n = 1; n <= 10_001; n++) report.take(step(n));
    const curve = report.finish(end).curve!.map((point) => point.step);
    expect(curve.length).toBeGreaterThan(300);
    expect(curve.length).toBeLessThanOrEqual(601);
    expect(curve.at(-1)).toBe(10_001);
    expect(new Set(curve.slice(1, -1).map((at, i) => at - curve[i]!))).toEqual(new Set([32]));
  });

  it('sums rows up: from the source to the sink, with all that was dropped', () => {
    const accounts = [
      account('source/parquet', 12, 10, { unreadable: 2 }),
      account('filter/score[0]', 10, 6, { low: 3, null: 1 }),
      account('sink/parquet', 6, 6),
    ];
    const { rows } = collectReport(stage).finish({ ...end, accounts });
    expect(rows).toMatchObject({ in: 12, out: 6, ledger: 6 });
    expect(rows).not.toHaveProperty('unused');
    expect(rows?.operators[1]?.dropped).toEqual([
      { reason: 'low', rows: 3 },
      { reason: 'null', rows: 1 },
    ]);
  });

  it('shows dropped rows with what there is of them; a value that is no number is left out, as in the ledger', () => {
    const dropped = { stage: 'learn', operator: 'filter/score[0]', reason: 'low', file: 'a', row: 3, epoch: 0 };
    const texts = [{ column: 'caption', text: null }];
    const examples = [
      {
        dropped: { ...dropped, measure: 'score', value: 0.5, rowGroup: 2, detail: 'd' },
        texts,
        image: Uint8Array.of(0x52),
      },
      { dropped: { ...dropped, measure: 'score', value: Number.NaN }, texts: [] },
    ];
    const { rows } = collectReport(stage).finish({ ...end, accounts: [account('a', 2, 0, { low: 2 })], examples });
    const { stage: _, ...row } = dropped;
    const image = 'data:image/webp;base64,Ug==';
    expect(rows?.examples).toEqual([
      { ...row, measure: 'score', value: 0.5, rowGroup: 2, detail: 'd', texts, image },
      { ...row, measure: 'score', texts: [] },
    ]);
  });

  it('counts the rows that were trained on, and those that were read for nothing', () => {
    const report = collectReport(stage);
    for (let n = 1; n <= 5; n++) report.take(step(n));
    const accounts = [account('source/parquet', 200, 200), account('order/batch[0]', 200, 112, { crowded: 7 })];
    expect(report.finish({ ...end, accounts }).rows).toMatchObject({ in: 200, out: 80, ledger: 7, unused: 113 });
  });

  it('shows pictures by their first byte, and a bounded number of them', () => {
    const report = collectReport(stage);
    for (const first of [0x89, 0xff, 0x52])
      report.take({ kind: 'sample', title: 't', text: 'x', image: Uint8Array.of(first, 1) });
    for (let i = 0; i < 100; i++) report.take({ kind: 'sample', title: 't', text: 'x', expected: 'y' });
    const { samples } = report.finish(end);
    expect(samples).toHaveLength(60);
    expect(samples!.slice(0, 3).map(({ image }) => image)).toEqual([
      'data:image/png;base64,iQE=',
      'data:image/jpeg;base64,/wE=',
      'data:image/webp;base64,UgE=',
    ]);
    expect(samples![3]).toEqual({ title: 't', text: 'x', expected: 'y' });
  });

  it('takes figures, notes, gates and the time without data', () => {
    const report = collectReport(stage);
    report.take({ kind: 'note', text: 'compiled steps' });
    report.take({ kind: 'progress', done: 1, unit: 'steps' });
    report.take({ kind: 'result', task: 'training', metric: 'waiting_share', value: 0.1 });
    report.take({ kind: 'result', task: 'training', metric: 'final_loss', value: 2, note: 'mean' });
    const gates = [{ metric: 'final_loss', rule: '< 3', value: 2, passed: true }];
    expect(report.finish({ ...end, gates })).toEqual({
      name: 'learn',
      use: 'contrastive',
      status: 'complete',
      seconds: 3,
      digest: 'd',
      notes: ['compiled steps'],
      gates,
      metrics: [
        { task: 'training', metric: 'waiting_share', value: 0.1 },
        { task: 'training', metric: 'final_loss', value: 2, note: 'mean' },
      ],
      curve: [],
      samples: [],
      waitingShare: 0.1,
    });
  });
});

describe('summary', () => {
  const base = { name: 's', use: 'u', status: 'complete', seconds: 1 } as const;

  it('says the rows of a data stage', () => {
    const rows = { in: 1200, out: 1000, ledger: 200, operators: [] };
    expect(describeStage({ ...base, rows, curve: [], metrics: [] })).toBe(
      '1,200 rows in, 1,000 out, 200 in the ledger',
    );
  });

  it('says steps and loss of a training, and figures', () => {
    const metrics = ['a', 'b', 'c', 'd', 'e'].map((metric, i) => ({ task: 't', metric, value: i / 3 }));
    const curve = [{ step: 4000, metrics: { loss: 1.23456 } }];
    expect(describeStage({ ...base, curve, metrics })).toBe('4,000 steps, loss 1.235, a 0, b 0.3333, c 0.6667, d 1');
  });

  it('says nothing of nothing', () => {
    expect(describeStage(base)).toBe('');
  });
});
