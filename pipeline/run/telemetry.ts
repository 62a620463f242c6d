/**
 * A run as OpenTelemetry sees it: a span for the run and one for each stage below it, counts of rows and steps, figures. All through
 * the API package, so it is nothing until a program (or `node --import` of a registration) sets an SDK up.
 *
 * Spans `alignflow.run` and `alignflow.stage`; attributes `alignflow.name`, `.output`, `.stage`, `.use`, `.resumed`, `.digest`,
 * `.summary`. Metrics `alignflow.rows` and `alignflow.steps` (counters by stage), `alignflow.training` (gauge by stage and figure:
 * loss, learning_rate, samples_per_second, ...), `alignflow.result` (gauge by stage, task and metric).
 */
import { type Attributes, context, metrics, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import { type MonoTypeOperatorFunction, Observable, tap } from 'rxjs';
import { reasonOf } from '../errors.js';
import type { StageEvent } from '../metrics.js';
import type { RunEvent } from './events.js';

/** Tells OpenTelemetry of the events of a run, which pass through as they are. */
export function traced(): MonoTypeOperatorFunction<RunEvent> {
  return (events) =>
    new Observable((subscriber) => {
      const told = tellTelemetry();
      subscriber.add(() => told.end());
      subscriber.add(events.pipe(tap({ next: told.next, error: told.fail })).subscribe(subscriber));
    });
}

function tellTelemetry() {
  const tracer = trace.getTracer('alignflow');
  const meter = metrics.getMeter('alignflow');
  const counts = {
    rows: meter.createCounter('alignflow.rows', { description: 'rows done by a stage', unit: '{row}' }),
    steps: meter.createCounter('alignflow.steps', { description: 'training steps done', unit: '{step}' }),
  };
  const training = meter.createGauge('alignflow.training', { description: 'figures of the last training step' });
  const results = meter.createGauge('alignflow.result', { description: 'figures that stages end with' });
  let run: Span | undefined;
  let stage: Span | undefined;
  let done = 0;

  const startStage = (attributes: Attributes): Span => {
    const parent = run === undefined ? context.active() : trace.setSpan(context.active(), run);
    done = 0;
    return tracer.startSpan('alignflow.stage', { attributes }, parent);
  };
  const takeStage = (name: string, event: StageEvent): void => {
    const of = { 'alignflow.stage': name };
    if (event.kind === 'progress' && event.unit !== 'bytes') {
      // A stage with two passes begins to count anew.
      counts[event.unit].add(event.done >= done ? event.done - done : event.done, of);
      done = event.done;
    }
    if (event.kind === 'step')
      for (const [figure, value] of Object.entries(event.values)) training.record(value, { ...of, figure });
    if (event.kind === 'result') results.record(event.value, { ...of, task: event.task, metric: event.metric });
    if (event.kind === 'note') stage?.addEvent(event.text);
  };

  return {
    next(event: RunEvent): void {
      if (event.kind === 'run-started')
        run = tracer.startSpan('alignflow.run', {
          attributes: { 'alignflow.name': event.name, 'alignflow.output': event.output },
        });
      else if (event.kind === 'stage-started' || event.kind === 'stage-skipped') {
        const attributes = { 'alignflow.stage': event.stage, 'alignflow.use': event.use };
        if (event.kind === 'stage-started') stage = startStage({ ...attributes, 'alignflow.resumed': event.resumed });
        else startStage({ ...attributes, 'alignflow.skipped': true, 'alignflow.digest': event.digest }).end();
      } else if (event.kind === 'stage-event') takeStage(event.stage, event.event);
      else if (event.kind === 'stage-complete') {
        stage?.setAttributes({ 'alignflow.digest': event.digest, 'alignflow.summary': event.summary });
        stage?.end();
        stage = undefined;
      }
    },
    fail(error: unknown): void {
      for (const span of [stage, run]) {
        span?.recordException(error instanceof Error ? error : String(error));
        span?.setStatus({ code: SpanStatusCode.ERROR, message: reasonOf(error) });
      }
    },
    end(): void {
      stage?.end();
      run?.end();
    },
  };
}
