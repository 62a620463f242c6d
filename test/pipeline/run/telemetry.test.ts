import { metrics, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { concat, from, lastValueFrom, of, throwError, toArray } from 'rxjs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { StageEvent } from '../../../pipeline/metrics.js';
import type { RunEvent } from '../../../pipeline/run/events.js';
import { traced } from '../../../pipeline/run/telemetry.js';

const spans = new InMemorySpanExporter();
const figures = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter: figures, exportIntervalMillis: 1e8 });

beforeAll(() => {
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }));
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
});
afterAll(() => {
  trace.disable();
  metrics.disable();
});
beforeEach(() => spans.reset());

const inStage = (stage: string, event: StageEvent): RunEvent => ({ kind: 'stage-event', stage, event });
const rows = (done: number): StageEvent => ({ kind: 'progress', done, unit: 'rows' });
const start: RunEvent = { kind: 'run-started', name: 'shop', output: 'runs/shop', stages: ['clean', 'train'] };
const events: RunEvent[] = [
  start,
  { kind: 'stage-skipped', stage: 'old', use: 'filtering', digest: 'abc' },
  { kind: 'stage-started', stage: 'clean', use: 'filtering', resumed: false },
  inStage('clean', rows(10)),
  inStage('clean', rows(25)),
  inStage('clean', { kind: 'note', text: 'fetching' }),
  { kind: 'stage-complete', stage: 'clean', seconds: 1, summary: '25 rows in', digest: 'def' },
  { kind: 'stage-started', stage: 'train', use: 'contrastive', resumed: true },
  inStage('train', { kind: 'progress', done: 7, unit: 'steps' }),
  inStage('train', { kind: 'step', step: 7, samples: 8, values: { loss: 2.5 } }),
  inStage('train', { kind: 'result', task: 'retrieval', metric: 'r1', value: 0.25 }),
  { kind: 'stage-complete', stage: 'train', seconds: 1, summary: '7 steps', digest: '123' },
  { kind: 'run-complete', seconds: 2, report: 'runs/shop/report.html' },
];

describe('traced', () => {
  it('makes a span of the run and one of each stage below it', async () => {
    expect(await lastValueFrom(from(events).pipe(traced(), toArray()))).toEqual(events);
    const [old, clean, train, run] = spans.getFinishedSpans();
    expect([old, clean, train, run].map((span) => [span!.name, span!.attributes])).toEqual([
      [
        'alignflow.stage',
        {
          'alignflow.stage': 'old',
          'alignflow.use': 'filtering',
          'alignflow.skipped': true,
          'alignflow.digest': 'abc',
        },
      ],
      [
        'alignflow.stage',
        {
          'alignflow.stage': 'clean',
          'alignflow.use': 'filtering',
          'alignflow.resumed': false,
          'alignflow.digest': 'def',
          'alignflow.summary': '25 rows in',
        },
      ],
      ['alignflow.stage', expect.objectContaining({ 'alignflow.stage': 'train', 'alignflow.resumed': true })],
      ['alignflow.run', { 'alignflow.name': 'shop', 'alignflow.output': 'runs/shop' }],
    ]);
    const { spanId, traceId } = run!.spanContext();
    for (const stage of [old, clean, train]) {
      expect(stage!.parentSpanContext).toMatchObject({ spanId, traceId });
      expect(stage!.status.code).toBe(SpanStatusCode.UNSET);
    }
    expect(clean!.events.map(({ name }) => name)).toEqual(['fetching']);
  });

  it('counts rows and steps, and records figures', async () => {
    await reader.forceFlush();
    const { scopeMetrics } = figures.getMetrics().at(-1)!;
    const points = scopeMetrics.flatMap(({ metrics }) =>
      metrics.flatMap(({ descriptor, dataPoints }) =>
        dataPoints.map(({ attributes, value }) => [descriptor.name, attributes, value]),
      ),
    );
    expect(points).toEqual([
      ['alignflow.rows', { 'alignflow.stage': 'clean' }, 25],
      ['alignflow.steps', { 'alignflow.stage': 'train' }, 7],
      ['alignflow.training', { 'alignflow.stage': 'train', figure: 'loss' }, 2.5],
      ['alignflow.result', { 'alignflow.stage': 'train', task: 'retrieval', metric: 'r1' }, 0.25],
    ]);
  });

  it('marks what failed, and ends what was left', async () => {
    const failing = concat(
      from(events.slice(0, 4)),
      throwError(() => new Error('the disk is full')),
    );
    await expect(lastValueFrom(failing.pipe(traced()))).rejects.toThrow('the disk is full');
    const failed = spans.getFinishedSpans().slice(1);
    expect(failed.map(({ name, status }) => [name, status])).toEqual([
      ['alignflow.stage', { code: SpanStatusCode.ERROR, message: 'the disk is full' }],
      ['alignflow.run', { code: SpanStatusCode.ERROR, message: 'the disk is full' }],
    ]);
    expect(failed[0]!.events[0]!.name).toBe('exception');
    spans.reset();
    of(start, ...events.slice(2, 4))
      .pipe(traced())
      .subscribe()
      .unsubscribe();
    expect(spans.getFinishedSpans().length).toBe(2);
  });
});
