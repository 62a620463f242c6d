import { basename } from 'node:path';
import { createLogUpdate } from 'log-update';
import { formatBytes, formatSeconds } from '../../pipeline/terminal/format.js';
import type { SetupEvent, SetupReport } from './setup-event.js';

/** Milliseconds between two lines of a plain log, and between two redraws of a live line. */
const LOG_EVERY = 5000;
const DRAW_EVERY = 100;

/** Shows a setup to a person: a live line in a terminal, elsewhere a line at the start of each part and every 5 seconds. */
export function createSetupProgress(
  stream: NodeJS.WriteStream,
  now: () => number = () => performance.now(),
): { readonly report: SetupReport; stop(): void } {
  const live = stream.isTTY === true;
  const update = createLogUpdate(stream, { showCursor: true });
  let part = '';
  let startedAt = 0;
  let shownAt = Number.NEGATIVE_INFINITY;
  return {
    report(event) {
      const at = now();
      const isNew = part !== `${event.step} ${event.name}`;
      if (isNew) {
        part = `${event.step} ${event.name}`;
        startedAt = at;
      } else if (at - shownAt < (live ? DRAW_EVERY : LOG_EVERY)) return;
      shownAt = at;
      const line = describeSetup(event, (at - startedAt) / 1000);
      if (live) update(line.slice(0, (stream.columns ?? 100) - 1));
      else stream.write(`${line}\n`);
    },
    stop() {
      if (live) {
        update.clear();
        update.done();
      }
    },
  };
}

/** One line for an event, `seconds` after the first of its step and name. */
export function describeSetup({ step, name, done = 0, total }: SetupEvent, seconds: number): string {
  if (step === 'wait') return `setup: another process is at it in ${name}; waiting for it`;
  if (step === 'compile') return "setup: compiling TensorFlow's addon (about 10 s)";
  const verb = step === 'fetch' ? 'fetching' : 'unpacking';
  const of = total === undefined ? '' : ` / ${formatBytes(total)}`;
  const rate = seconds > 0 ? done / seconds : 0;
  const left = total !== undefined && rate > 0 ? `, ${formatSeconds((total - done) / rate)} left` : '';
  const speed = rate > 0 ? `, ${formatBytes(rate)}/s${left}` : '';
  const [project, version] = basename(name).split('-'); // The rest of a wheel's name says nothing to a person.
  return `setup: ${verb} ${project} ${version}: ${formatBytes(done)}${of}${speed}`;
}
