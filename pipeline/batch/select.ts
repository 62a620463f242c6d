import { type Data, makeData, RecordBatch, type Schema, Struct } from 'apache-arrow';
import { rangesOf } from './ranges.js';
import { takeData } from './take.js';

/**
 * The rows of a batch with these numbers, in this order, each as often as it is named. Nothing is copied when they are all
 * rows in order; otherwise the result shares no memory with the batch but dictionaries. Metadata stay.
 */
export function takeRows(batch: RecordBatch, rows: Uint32Array): RecordBatch {
  return isEveryRow(rows, batch.numRows) ? batch : copyRows(batch, rows);
}

/** As `takeRows`, but always a copy: what is kept of a batch does not keep the batch. */
export function copyRows(batch: RecordBatch, rows: Uint32Array): RecordBatch {
  const ranges = rangesOf(rows, batch.numRows);
  return batchFrom(
    batch.schema,
    batch.data.children.map((column) => takeData(column, ranges)),
    rows.length,
    batch.metadata,
  );
}

/**
 * The rows that `judge` has no reason against; the others go to `context.drop` with their reason, in order. The batch itself
 * when none is dropped.
 */
export function keepRows<Drop extends string>(
  batch: RecordBatch,
  context: { keep(): void; drop(batch: RecordBatch, row: number, reason: Drop): void },
  judge: (row: number) => NoInfer<Drop> | undefined,
): RecordBatch {
  const kept = new Uint32Array(batch.numRows);
  let count = 0;
  for (let row = 0; row < batch.numRows; row++) {
    const reason = judge(row);
    if (reason === undefined) {
      kept[count++] = row;
      context.keep();
    } else context.drop(batch, row, reason);
  }
  return takeRows(batch, kept.subarray(0, count));
}

/** A batch of a schema from one piece of data per column, all of `length` rows. */
export function batchFrom(
  schema: Schema,
  columns: Data[],
  length: number,
  metadata?: Map<string, string>,
): RecordBatch {
  const data = makeData({ type: new Struct(schema.fields), length, nullCount: 0, children: columns });
  return new RecordBatch(schema, data, metadata);
}

function isEveryRow(rows: Uint32Array, count: number): boolean {
  if (rows.length !== count) return false;
  for (let i = 0; i < count; i++) if (rows[i] !== i) return false;
  return true;
}
