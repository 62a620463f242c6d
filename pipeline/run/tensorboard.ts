/**
 * Figures of training as TensorBoard reads them: one folder for each stage with an events file in it, records of TFRecord that hold
 * `Event` messages (tensorflow/core/util/event.proto, summary.proto). Tags are the names of the figures: `loss`, `learning_rate`.
 */
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { reasonOf } from '../errors.js';
import { makeFolder } from '../make-folder.js';
import { writeFailure } from './atomic-file.js';
import type { RunEvent } from './events.js';

/** Writes the figures of a run's training stages. */
export interface TensorboardLog {
  /** Takes any event; those without figures are left out. A stage's file is opened with its first one. */
  write(event: RunEvent): void;
  /** Resolves when all is written. */
  close(): Promise<void>;
}

/**
 * Opens a log in a folder, which is made. Throws an `AlignflowError` where that fails; a later failure ends the log, not the run:
 * `warn` is told of it.
 */
export async function openTensorboardLog(folder: string, warn: (line: string) => void): Promise<TensorboardLog> {
  try {
    makeFolder(folder);
  } catch (error) {
    throw writeFailure(folder, error);
  }
  const began = Date.now();
  const streams = new Map<string, Promise<WriteStream>>();
  let last: Promise<void> = Promise.resolve();
  let broken = false;

  const streamOf = (stage: string): Promise<WriteStream> => {
    const known = streams.get(stage) ?? openStream(join(folder, stage), began);
    streams.set(stage, known);
    return known;
  };
  const later = (work: () => Promise<void>): void => {
    last = last.then(work).catch((error: unknown) => {
      if (!broken) warn(`${folder}: no more figures are written: ${reasonOf(error)}`);
      broken = true;
    });
  };
  return {
    write(event) {
      if (event.kind !== 'stage-event' || event.event.kind !== 'step') return;
      const { step, values } = event.event;
      const record = frame(scalarEvent(Date.now() / 1000, step, values));
      later(async () => {
        const stream = await streamOf(event.stage);
        if (!broken && !stream.write(record)) await once(stream, 'drain');
      });
    },
    async close() {
      await last;
      for (const stream of streams.values()) await stream.then((one) => finished(one.end())).catch(() => undefined);
    },
  };
}

async function openStream(folder: string, began: number): Promise<WriteStream> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `events.out.tfevents.${Math.floor(began / 1000)}.alignflow.${process.pid}`);
  const stream = createWriteStream(path, { fd: await open(path, 'w') });
  stream.on('error', () => undefined); // Whoever writes to it is told.
  stream.write(frame(versionEvent(began / 1000)));
  return stream;
}

/** The first event of a file: which format it has. */
export function versionEvent(seconds: number): Uint8Array {
  return message([double(1, seconds), bytes(3, Buffer.from('brain.Event:2'))]);
}

/** The figures of one step. */
export function scalarEvent(seconds: number, step: number, values: Readonly<Record<string, number>>): Uint8Array {
  const summary = Object.entries(values).map(([tag, value]) =>
    bytes(1, message([bytes(1, Buffer.from(tag)), float(2, value)])),
  );
  return message([double(1, seconds), varint(2, step), bytes(5, message(summary))]);
}

/** A record of TFRecord: length, its checksum, the data, their checksum. */
export function frame(data: Uint8Array): Uint8Array {
  const record = Buffer.alloc(data.length + 16);
  record.writeBigUInt64LE(BigInt(data.length), 0);
  record.writeUInt32LE(maskedCrc(record.subarray(0, 8)), 8);
  record.set(data, 12);
  record.writeUInt32LE(maskedCrc(data), 12 + data.length);
  return record;
}

// Protocol buffers: a key of field number and wire type, then the value. Fields stand in the order of their numbers.

function message(fields: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(fields);
}

function double(field: number, value: number): Uint8Array {
  const out = Buffer.alloc(9);
  out[0] = (field << 3) | 1;
  out.writeDoubleLE(value, 1);
  return out;
}

function float(field: number, value: number): Uint8Array {
  const out = Buffer.alloc(5);
  out[0] = (field << 3) | 5;
  out.writeFloatLE(value, 1);
  return out;
}

function varint(field: number, value: number): Uint8Array {
  return Buffer.from([field << 3, ...wire(value)]);
}

function bytes(field: number, value: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...wire(value.length)]), value]);
}

/** Seven bits a byte, the lowest first, the top bit set on all but the last. */
function wire(value: number): number[] {
  const out: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return [...out, left];
    out.push((left % 128) | 128);
  }
}

/** CRC-32C (Castagnoli), which Node has not, as TFRecord masks it (tensorflow/core/lib/hash/crc32c.h). */
function maskedCrc(data: Uint8Array): number {
  let crc = ~0;
  for (const byte of data) crc = TABLE[(crc ^ byte) & 255]! ^ (crc >>> 8);
  const sum = ~crc >>> 0;
  return (((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0;
}

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ 0x82f63b78;
  return crc;
});
