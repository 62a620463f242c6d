import type { CurvePoint, RunReport } from '../../../pipeline/run/report.js';

/** A green pixel. */
export const PIXEL =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkaPhfDwADAQH/7Bq2lAAAAABJRU5ErkJggg==';

/** A loss that falls with noise, a temperature that rises, a schedule with warm-up and cosine. */
function curve(steps: number, start: number, end: number, extra: readonly string[] = []): CurvePoint[] {
  return Array.from({ length: Math.min(steps, 300) }, (_, index) => {
    const step = Math.round(((index + 1) * steps) / Math.min(steps, 300));
    const part = step / steps;
    const noise = 0.06 * (start - end) * Math.sin(step * 12.9898) * Math.cos(step * 78.233);
    const loss = end + (start - end) * Math.exp(-4 * part) + noise;
    return {
      step,
      metrics: {
        loss,
        ...Object.fromEntries(extra.map((name, place) => [name, loss * (0.3 + 0.12 * place) + noise])),
        learning_rate: 2e-3 * (part < 0.05 ? part / 0.05 : 0.5 * (1 + Math.cos((Math.PI * (part - 0.05)) / 0.95))),
        temperature: 14.3 + 40 * part,
        samples_per_second: 2170 + 90 * Math.sin(step),
      },
    };
  });
}

const origin = (row: number) => ({ file: 'openmoji', rowGroup: 3, row, epoch: 0 });

/** A report with every kind of part in it, as a run of the emoji manifest would make it. */
export const EXAMPLE: RunReport = {
  name: 'emoji',
  seed: 7,
  startedAt: '2026-11-24T13:57:12.345Z',
  seconds: 771,
  manifestFile: 'manifests/emoji.yaml',
  backend: 'TensorFlow 2.21 on 2 threads (AVX-512, bfloat16)',
  stages: [
    {
      name: 'pairs',
      use: 'filtering',
      status: 'skipped',
      seconds: 48.2,
      digest: '9f2c1e5f0a7744b2d1a8c3e64b7f9d20',
      rows: {
        in: 34_812,
        out: 30_244,
        ledger: 4_568,
        operators: [
          {
            name: 'emoji/pairs',
            rowsIn: 34_812,
            rowsOut: 34_799,
            dropped: [{ reason: 'undecodable', rows: 13 }],
            bytes: 38_000_000,
            seconds: 21.9,
            waiting: 3.1,
          },
          {
            name: 'filter/caption-length',
            rowsIn: 34_799,
            rowsOut: 32_690,
            dropped: [
              { reason: 'short', rows: 0 },
              { reason: 'long', rows: 1_204 },
              { reason: 'null', rows: 905 },
            ],
            measured: [
              {
                measure: 'characters',
                rows: 33_894,
                notFinite: 0,
                least: 1,
                median: 14,
                most: 68,
                thresholds: [1, 40],
                scale: 'linear',
                bins: Array.from({ length: 34 }, (_, i) => ({
                  from: 1 + 2 * i,
                  to: 3 + 2 * i,
                  rows: Math.round(3600 * Math.exp(-(((i - 6) / 7) ** 2))),
                })),
              },
            ],
            bytes: 36_000_000,
            seconds: 0.4,
            waiting: 40.2,
          },
          {
            name: 'filter/language',
            rowsIn: 32_690,
            rowsOut: 31_822,
            dropped: [{ reason: 'language', rows: 868 }],
            bytes: 35_100_000,
            seconds: 6.1,
            waiting: 31,
          },
          {
            name: 'dedup/exact',
            rowsIn: 31_822,
            rowsOut: 30_244,
            dropped: [{ reason: 'duplicate', rows: 1_578 }],
            bytes: 33_600_000,
            seconds: 1.2,
            waiting: 38.8,
          },
          {
            name: 'sink/parquet',
            rowsIn: 30_244,
            rowsOut: 30_244,
            dropped: [],
            bytes: 33_600_000,
            seconds: 2.3,
            waiting: 44,
          },
        ],
        examples: [
          { ...origin(913), operator: 'emoji/pairs', reason: 'undecodable', detail: 'it is no image', texts: [] },
          {
            ...origin(77),
            operator: 'filter/caption-length',
            reason: 'long',
            measure: 'characters',
            value: 68,
            image: PIXEL,
            texts: [
              { column: 'caption', text: 'a face with a very long list of keywords that goes on and on and on' },
              { column: 'language', text: 'en' },
            ],
          },
          {
            ...origin(3051),
            operator: 'filter/language',
            reason: 'language',
            image: PIXEL,
            texts: [{ column: 'caption', text: 'علم: كوت ديفوار' }],
          },
          {
            ...origin(12_008),
            operator: 'dedup/exact',
            reason: 'duplicate',
            image: PIXEL,
            texts: [{ column: 'caption', text: null }],
          },
        ],
      },
    },
    {
      name: 'contrast',
      use: 'contrastive',
      status: 'complete',
      seconds: 402.6,
      waitingShare: 0.031,
      digest: '1b77e0c2a4d94f5e8a6b3c2d1e0f9a8b',
      curve: curve(3400, 5.52, 1.13),
      metrics: [
        { task: 'training', metric: 'samples_per_second', value: 2168.4 },
        { task: 'training', metric: 'waiting_share', value: 0.031 },
      ],
      notes: ['1.4 million parameters: vision 0.82, text 0.57.'],
    },
    {
      name: 'generate',
      use: 'generative',
      status: 'complete',
      seconds: 188.4,
      waitingShare: 0.012,
      curve: curve(900, 9.7, 3.9, ['itc_loss', 'itm_loss', 'itg_loss']),
    },
    {
      name: 'score',
      use: 'evaluation',
      status: 'complete',
      seconds: 41.3,
      metrics: [
        ...['image_to_text', 'text_to_image'].flatMap((way, place) =>
          [0.398, 0.631, 0.728].map((value, at) => ({
            task: 'retrieval, InternVL-C',
            metric: `${way}_r${[1, 5, 10][at]}`,
            value: value + 0.014 * place,
            ...(at === 0 ? { note: '1,911 images never seen, chance 0.05 %' } : {}),
          })),
        ),
        { task: 'zero-shot, Chinese', metric: 'zero_shot_zh_top1', value: 0.117 },
        { task: 'zero-shot, Chinese', metric: 'zero_shot_zh_top5', value: 0.284 },
        { task: 'zero-shot, Arabic', metric: 'zero_shot_ar_top1', value: 0.083 },
        { task: 'zero-shot, Arabic', metric: 'zero_shot_ar_top5', value: 0.221 },
        { task: 'captions', metric: 'exact_match', value: 0.262 },
        { task: 'captions', metric: 'cider', value: 1.274 },
        { task: 'captions', metric: 'bleu_4', value: Number.NaN },
      ],
      gates: [
        { metric: 'image_to_text_r1', rule: '>= 0.3', value: 0.398, passed: true },
        { metric: 'cider', rule: '>= 1', value: 1.274, passed: true },
      ],
      samples: [
        {
          title: 'caption',
          image: PIXEL,
          text: 'smiling face with sunglasses',
          expected: 'smiling face with sunglasses',
        },
        { title: 'caption', image: PIXEL, text: 'dog face', expected: 'wolf' },
        { title: 'retrieval, image to text', image: PIXEL, text: 'علم: كوت ديفوار', expected: 'علم: كوت ديفوار' },
        { title: 'retrieval, image to text', image: PIXEL, text: 'flag: Ireland', expected: 'flag: Côte d’Ivoire' },
        { title: 'retrieval, text to image', image: PIXEL, text: 'hot dog' },
      ],
    },
  ],
};
