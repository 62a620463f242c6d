/** Arrow IPC streams, a batch at a time: what a host writes to a worker and reads from it. */
import {
  type AsyncRecordBatchStreamReader,
  type RecordBatch,
  RecordBatchReader,
  type Schema,
  Table,
  tableToIPC,
} from 'apache-arrow';
import { AlignflowError, reasonOf } from '../errors.js';

/** The end of a stream: a continuation mark, and no length. */
const END = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0);

/** A stream that is read: its schema first, then its batches as they come. */
export interface IncomingRows {
  readonly schema: Schema;
  readonly batches: AsyncIterable<RecordBatch>;
}

/** Opens a stream of bytes. Throws an `AlignflowError` where it is no Arrow IPC stream. */
export async function readStream(bytes: AsyncIterable<Uint8Array>): Promise<IncomingRows> {
  try {
    const reader = (await RecordBatchReader.from(bytes)) as AsyncRecordBatchStreamReader;
    await reader.open();
    if (reader.schema === undefined) throw new Error('it ends before its schema');
    return { schema: reader.schema, batches: wholeBatches(reader) };
  } catch (error) {
    throw notArrow(error);
  }
}

async function* wholeBatches(reader: AsyncRecordBatchStreamReader): AsyncGenerator<RecordBatch> {
  try {
    for await (const batch of reader) yield batch;
  } catch (error) {
    throw notArrow(error);
  }
}

function notArrow(error: unknown): AlignflowError {
  return new AlignflowError({
    what: `standard input is no whole Arrow IPC stream: ${reasonOf(error)}`,
    expected: 'a schema, then record batches without compression, then the end of the stream',
    cause: error,
  });
}

/** Bytes of a stream of one schema without dictionaries. */
export function streamBytes(schema: Schema) {
  const empty = tableToIPC(new Table(schema), 'stream');
  const head = empty.subarray(0, empty.length - END.length);
  return {
    head,
    /** A batch alone: the packed stream of one batch without its schema and its end. */
    batch(batch: RecordBatch): Uint8Array {
      const packed = tableToIPC(new Table([batch]), 'stream');
      return packed.subarray(head.length, packed.length - END.length);
    },
    end: END,
  };
}
