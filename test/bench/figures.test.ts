import { describe, expect, it } from 'vitest';
import type { RunReport, StageReport } from '../../pipeline/run/report.js';
import { type Figure, languageFigures, modelFigures, sameFigures, sumFigures } from './figures.js';
import { renderResults } from './results.js';

const stage = (name: string, use: string, rest: Partial<StageReport> = {}): StageReport => ({
  name,
  use,
  status: 'complete',
  seconds: 1,
  ...rest,
});
const recall = (value: number) => [{ task: 'retrieval (en)', metric: 'image_to_text_r1', value }];
const curve = (loss: number) => [{ step: 1, metrics: { loss } }];

function report(loss: number, digest: string, recallG = 0.35): RunReport {
  const rows = { in: 10, out: 7, ledger: 1, unused: 2, operators: [] };
  return {
    name: 'emoji',
    seed: 7,
    startedAt: '2026-01-01T00:00:00Z',
    seconds: 3,
    manifestFile: 'emoji.yaml',
    backend: 'TensorFlow 2.21.0, 2 threads',
    stages: [
      stage('rows', 'filtering', { rows: { ...rows, unused: 0 }, digest }),
      stage('contrast', 'contrastive', { rows, curve: curve(loss), waitingShare: 0.1 }),
      stage('score-c', 'evaluation', { metrics: recall(0.29), digest: 'c' }),
      stage('score-g', 'evaluation', { metrics: recall(recallG), digest: 'g' }),
    ],
  };
}

const met = (figures: readonly Figure[]) => Object.fromEntries(figures.map(({ name, met }) => [name, met]));

describe('figures of the emoji bench', () => {
  it('says which recall is enough, and whether InternVL-G falls behind InternVL-C', () => {
    expect(met(modelFigures(report(1, 'a')))).toMatchObject({
      'score-c: retrieval (en) image_to_text_r1': false,
      'score-g: retrieval (en) image_to_text_r1': true,
      'score-g against score-c: image_to_text_r1': true,
    });
    const behind = met(modelFigures(report(1, 'a', 0.28)));
    expect(behind['score-g against score-c: image_to_text_r1']).toBe(false);
  });

  it('says what the other languages cost English', () => {
    const metrics = recall(0.33).map((metric) => ({ ...metric, baseline: 0.29 }));
    const alone = languageFigures({ ...report(1, 'a'), stages: [stage('score-c', 'evaluation', { metrics })] });
    expect(alone).toEqual([
      { name: 'English alone: image_to_text_r1', value: '33.00 %: the other languages cost 4.00 points' },
    ]);
  });

  it('adds up rows, unused ones included', () => {
    expect(met(sumFigures(report(1, 'a')))).toEqual({ 'rows: rows': false, 'contrast: rows': true });
  });

  it('compares bytes, and losses to 6 digits', () => {
    const first = report(1.234561, 'a');
    const same = { 'rows twice': true, 'contrast twice': true, 'score-c twice': true, 'score-g twice': true };
    expect(met(sameFigures(first, report(1.2345613, 'a')))).toEqual(same);
    expect(met(sameFigures(first, report(1.23457, 'b')))).toEqual({
      ...same,
      'rows twice': false,
      'contrast twice': false,
    });
  });

  it('renders a section with the machine, the parts, the figures and the race', () => {
    const first = report(1, 'a');
    const speed = { samplesPerSecond: 1000, peakBytes: 1e9, version: 'PyTorch 2' };
    const text = renderResults({
      machine: {
        processor: 'a processor',
        cores: 2,
        memoryBytes: 8e9,
        instructions: ['avx2'],
        node: '20.0.0',
        commit: 'abc',
        date: '2026-01-01',
      },
      cold: true,
      set: ['a.b=1'],
      run: { parts: [['npm ci', 12.3]], peakBytes: 1e9, report: first },
      figures: sumFigures(first),
      races: [
        {
          kept: 12,
          ours: { ...speed, samplesPerSecond: 1500 },
          peer: speed,
          best: 'fp32 eager',
          variants: [{ name: 'bf16 autocast', speed: undefined }],
          rounds: 3,
        },
      ],
    });
    expect(text).toContain('## emoji, 2026-01-01, abc');
    expect(text).toContain('Not the shipped manifest: `a.b=1`.');
    expect(text).toContain('| npm ci | 12.3 |');
    expect(text).toContain('| rows: rows | 10 in, 7 out, 1 in the ledger | the sum holds | **no** |');
    expect(text).toContain('bf16 autocast given up samples/s. Ours is 1.50 times its best.');
  });
});
