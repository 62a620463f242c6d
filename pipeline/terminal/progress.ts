import { relative } from 'node:path';
import { createLogUpdate } from 'log-update';
import pico from 'picocolors';
import type { Progress, StepMetrics } from '../metrics.js';
import type { OperatorsEvent, RunEvent } from '../run/events.js';
import { formatBytes, formatCount, formatFigure, formatSeconds } from './format.js';

/** Shows a run to a person. */
export interface ProgressView {
  show(event: RunEvent): void;
  /** Ends the live part; what was shown last stays. */
  stop(): void;
}

/** What is known of the stage that runs now. */
interface Running {
  readonly stage: string;
  readonly startedAt: number;
  progress?: Progress;
  /** Work done when the stage began to report, so that a resumed stage's rate is right. */
  base?: { readonly done: number; readonly at: number; readonly doing: string | undefined };
  values?: StepMetrics['values'];
  operators?: OperatorsEvent;
  /** When it was last drawn, or logged. */
  shownAt: number;
}

/** Milliseconds between two lines of a plain log, and between two states of a live line. */
const LOG_EVERY = 10_000;
const DRAW_EVERY = 80;

/** How a run is shown. */
export interface ProgressViewOptions {
  /** Shows how far the running stage is; true unless given. Without it, there are lines for what begins, ends and is noteworthy alone. */
  readonly progress?: boolean;
  /** A clock in milliseconds. */
  readonly now?: () => number;
}

/**
 * A live tree in a terminal, the running stage and its operators; elsewhere a plain log with a line every ten seconds. Colours follow
 * the terminal and NO_COLOR.
 */
export function createProgressView(
  stream: NodeJS.WriteStream,
  { progress = true, now = () => performance.now() }: ProgressViewOptions = {},
): ProgressView {
  const terminal = stream.isTTY === true;
  const live = terminal && progress;
  const colours = pico.createColors(terminal && pico.isColorSupported);
  const update = createLogUpdate(stream, { showCursor: true });
  let running: Running | undefined;
  let names = 0;
  const print = (line: string) => {
    if (live) update.clear();
    stream.write(`${line}\n`);
  };
  const redraw = (stage: Running) => {
    if (!progress) return;
    const at = now();
    if (at - stage.shownAt < (live ? DRAW_EVERY : LOG_EVERY)) return;
    stage.shownAt = at;
    const line = describeProgress(stage, at);
    if (!live) return print(`  ${stage.stage}: ${line}`);
    const columns = stream.columns ?? 100;
    const tree = stage.operators === undefined ? [] : describeOperators(stage.operators);
    // Never higher than the terminal, of which the lines above could not be drawn anew.
    const lines = [line, ...tree.slice(0, Math.max(0, (stream.rows ?? 24) - 3))];
    const room = Math.max(20, columns - names - 6);
    const shown = lines.map((text, i) =>
      i === 0
        ? `${colours.cyan('▸')} ${stage.stage.padEnd(names)}  ${text.slice(0, room)}`
        : colours.dim(text.slice(0, columns - 1)),
    );
    update(shown.join('\n'));
  };
  return {
    show(event) {
      switch (event.kind) {
        case 'run-started':
          names = Math.max(...event.stages.map((name) => name.length));
          print(
            `${colours.bold(event.name)}: ${event.stages.length === 1 ? '1 stage' : `${event.stages.length} stages`} into ${nearby(event.output)}`,
          );
          break;
        case 'stage-started':
          running = { stage: event.stage, startedAt: now(), shownAt: live ? Number.NEGATIVE_INFINITY : now() };
          if (live) redraw(running);
          else print(`  ${event.stage}: ${event.use}${event.resumed ? ', goes on from its last checkpoint' : ''}`);
          break;
        case 'stage-retried':
          running = { stage: event.stage, startedAt: now(), shownAt: live ? Number.NEGATIVE_INFINITY : now() };
          print(`  ${event.stage}: tries ${formatCount(event.rows)} rows again that failed`);
          break;
        case 'stage-skipped':
          print(
            `${colours.dim('=')} ${event.stage.padEnd(names)}  ${colours.dim(`complete, skipped  ${shortDigest(event.digest)}`)}`,
          );
          break;
        case 'stage-event':
          if (running === undefined) break;
          if (event.event.kind === 'note') print(`  ${event.stage}: ${event.event.text}`);
          if (event.event.kind === 'progress') advance(running, event.event, now());
          if (event.event.kind === 'step') running.values = event.event.values;
          redraw(running);
          break;
        case 'stage-operators':
          if (running === undefined) break;
          running.operators = event;
          redraw(running);
          break;
        case 'stage-complete':
          running = undefined;
          print(
            `${colours.green('✓')} ${event.stage.padEnd(names)}  ${event.summary} ${colours.dim(`(${formatSeconds(event.seconds)})  ${shortDigest(event.digest)}`)}`,
          );
          break;
        case 'run-complete':
          print(
            `${colours.bold('done')} in ${formatSeconds(event.seconds)}; the report is ${colours.bold(nearby(event.report))}`,
          );
          break;
      }
    },
    stop() {
      if (live) update.done();
    },
  };
}

/** A line for each operator that rows pass, and one for the bytes in flight. */
function describeOperators({ operators, held, memory }: OperatorsEvent): string[] {
  const names = Math.max(...operators.map(({ name }) => name.length));
  const counts = operators.map(({ rowsOut }) => formatCount(rowsOut));
  const width = Math.max(...counts.map((count) => count.length));
  const lines = operators.map(({ name, dropped, bytes, held, seconds, waiting }, i) => {
    const lost = dropped === 0 ? '' : `  ${formatCount(dropped)} dropped`;
    const busy = seconds < 0.05 ? '' : `  busy ${formatSeconds(seconds)}`;
    const waited = waiting < 0.05 ? '' : `  waited ${formatSeconds(waiting)}`;
    const queue = held === 0 ? '' : `  ${formatBytes(held)} in its queue`;
    return `  ├ ${name.padEnd(names)}  ${counts[i]!.padStart(width)}  ${formatBytes(bytes)}${lost}${busy}${waited}${queue}`;
  });
  return [...lines, `  └ ${formatBytes(held)} of ${formatBytes(memory)} in flight`];
}

function advance(stage: Running, progress: Progress, at: number): void {
  if (stage.base === undefined || stage.base.doing !== progress.doing) {
    stage.base = { done: progress.done, at, doing: progress.doing };
  }
  stage.progress = progress;
}

/** Enough of a digest to compare two runs by eye; the report has all of it. */
function shortDigest(digest: string): string {
  return digest.slice(0, 12);
}

/** A path as one would type it here. */
function nearby(path: string): string {
  const here = relative(process.cwd(), path);
  return here === '' || here.startsWith('..') ? path : here;
}

/** `1,200 / 4,000 steps  30 %  412/s  6 min 48 s left  loss 2.31`. */
function describeProgress({ startedAt, progress, base, values }: Running, at: number): string {
  const parts: string[] = [];
  if (progress !== undefined && base !== undefined) {
    const { done, total, unit, doing } = progress;
    const amount = (n: number) => (unit === 'bytes' ? formatBytes(n) : formatCount(n));
    const rate = (done - base.done) / Math.max((at - base.at) / 1000, 1e-3);
    if (doing !== undefined) parts.push(doing);
    parts.push(
      `${amount(done)}${total === undefined ? '' : ` / ${amount(total)}`}${unit === 'bytes' ? '' : ` ${unit}`}`,
    );
    if (total !== undefined && total > 0) parts.push(`${Math.floor((100 * done) / total)} %`);
    if (done > base.done) {
      parts.push(`${amount(rate)}/s`);
      if (total !== undefined) parts.push(`${formatSeconds(Math.max(0, total - done) / rate)} left`);
    }
  }
  if (parts.length === 0) parts.push(formatSeconds((at - startedAt) / 1000));
  if (values?.loss !== undefined) parts.push(`loss ${formatFigure(values.loss)}`);
  return parts.join('  ');
}
