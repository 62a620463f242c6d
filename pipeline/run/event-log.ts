import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { reasonOf } from '../errors.js';
import { writeFailure } from './atomic-file.js';
import type { RunEvent } from './events.js';

/** The events of a run as JSON lines, for tools that watch it. */
export interface EventLog {
  write(event: RunEvent): void;
  /** Resolves when all is written. */
  close(): Promise<void>;
}

/**
 * Opens an event log: a file that is written anew, or `-` for standard output. Each line is an event of `RunEvent` with the
 * `time`, ISO 8601; pictures of samples are left out. Throws an `AlignflowError` where the file cannot be opened. A failure later
 * ends the log, and not the run: `warn` is told of it.
 */
export async function openEventLog(path: string, warn: (line: string) => void): Promise<EventLog> {
  const stream = path === '-' ? process.stdout : await openStream(path);
  let broken = false;
  stream.on('error', (error) => {
    if (!broken) warn(`${path === '-' ? 'standard output' : path}: no more events are written: ${reasonOf(error)}`);
    broken = true;
  });
  return {
    write(event) {
      if (!broken) stream.write(lineOf(event));
    },
    async close() {
      if (path === '-') return;
      stream.end();
      await finished(stream).catch(() => undefined); // The warning has said it.
    },
  };
}

async function openStream(path: string): Promise<Writable> {
  const file = await open(path, 'w').catch((error: unknown) => {
    throw writeFailure(path, error);
  });
  return createWriteStream(path, { fd: file });
}

function lineOf(event: RunEvent): string {
  return `${JSON.stringify({ time: new Date().toISOString(), ...withoutImage(event) })}\n`;
}

function withoutImage(event: RunEvent): object {
  if (event.kind !== 'stage-event' || event.event.kind !== 'sample') return event;
  const { image: _, ...sample } = event.event;
  return { ...event, event: sample };
}
