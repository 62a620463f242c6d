import type { RecordBatch } from 'apache-arrow';
import { rowBytes } from '../../pipeline/batch/bytes.js';
import { concatBatches } from '../../pipeline/batch/concat.js';
import { takeRows } from '../../pipeline/batch/select.js';
import { readSpans } from '../../pipeline/batch/spans.js';
import { AlignflowError } from '../../pipeline/errors.js';
import type { OperatorContext } from '../../pipeline/operator.js';
import type { Batch } from './batch.js';
import { createHeldRows } from './held-rows.js';

/** A row on its way into a batch. */
interface Candidate {
  readonly number: number;
  /** Its value in the `distinct` column; undefined where it may stand beside any row. */
  readonly key: string | undefined;
  readonly bytes: number;
}

/** Composes batches row by row, so that they do not depend on the batches that come in. */
export function createBatcher(
  { rows, distinct, last, waiting: mostWaiting }: Batch,
  context: Pick<OperatorContext<'incomplete' | 'crowded'>, 'drop'>,
) {
  const held = createHeldRows();
  /** Rows that wait because of their value, the oldest first. */
  let waiting: Candidate[] = [];
  let waitingBytes = 0;
  let members: Candidate[] = [];
  let keys = new Set<string>();
  /** The first full batch, where it may have to fill up the last. */
  let first: RecordBatch | undefined;

  const join = (candidate: Candidate): boolean => {
    if (members.length === rows || (candidate.key !== undefined && keys.has(candidate.key))) return false;
    members.push(candidate);
    if (candidate.key !== undefined) keys.add(candidate.key);
    return true;
  };
  /** Those of the batch under way; the next one begins with what has waited. */
  const close = (): RecordBatch => {
    const batch = held.take(members.map(({ number }) => number));
    members = [];
    keys = new Set();
    waiting = waiting.filter((candidate) => {
      if (!join(candidate)) return true;
      waitingBytes -= candidate.bytes;
      return false;
    });
    return batch;
  };
  const wait = (candidate: Candidate): void => {
    waiting.push(candidate);
    waitingBytes += candidate.bytes;
    while (waitingBytes > mostWaiting) {
      const oldest = waiting.shift()!;
      waitingBytes -= oldest.bytes;
      context.drop(held.take([oldest.number]), 0, 'crowded');
    }
  };

  return {
    /** Takes the rows of a batch and gives the batches that are full. */
    push(batch: RecordBatch): RecordBatch[] {
      const full: RecordBatch[] = [];
      const number = held.hold(batch);
      const keyOf = distinct === undefined ? () => undefined : keyReader(batch, distinct);
      const bytes = rowBytes(batch);
      for (let row = 0; row < batch.numRows; row++) {
        const candidate = { number: number + row, key: keyOf(row), bytes: bytes[row]! };
        if (!join(candidate)) wait(candidate);
        while (members.length === rows) full.push(close());
      }
      if (last === 'fill') first ??= full[0];
      return full;
    },

    /** Gives the batches of what is left. */
    finish(): RecordBatch[] {
      const rest: RecordBatch[] = [];
      while (members.length > 0) {
        const count = members.length;
        const taken = new Set(keys);
        const batch = close();
        if (count === rows || last === 'keep') rest.push(batch);
        else if (last === 'fill') rest.push(fill(batch, taken));
        else for (let row = 0; row < count; row++) context.drop(batch, row, 'incomplete');
        if (count === rows) first ??= batch;
      }
      return rest;
    },
  };

  /** The batch with rows of the first batch behind it, or with its own again where it is the only one. */
  function fill(batch: RecordBatch, taken: ReadonlySet<string>): RecordBatch {
    const source = first ?? batch;
    const keyOf = distinct === undefined ? () => undefined : keyReader(source, distinct);
    const fitting = [...Array(source.numRows).keys()].filter((row) => {
      const key = keyOf(row);
      return key === undefined || !taken.has(key);
    });
    const missing = rows - batch.numRows;
    if (fitting.length < missing && distinct !== undefined) {
      throw new AlignflowError({
        what: `the last batch has ${batch.numRows} rows and cannot be filled: there are too few different values of "${distinct}"`,
        expected: `at least ${rows} different values, or last: keep or drop`,
      });
    }
    const filler = Uint32Array.from({ length: missing }, (_, i) => fitting[i % fitting.length]!);
    return concatBatches([batch, takeRows(source, filler)]);
  }
}

/** The value of each row as text that is equal where the bytes are; undefined for null. */
function keyReader(batch: RecordBatch, column: string): (row: number) => string | undefined {
  const { values, offsets, isNull } = readSpans(batch, column);
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return (row) => (isNull(row) ? undefined : bytes.toString('latin1', offsets[row], offsets[row + 1]));
}
