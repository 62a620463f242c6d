import { join } from 'node:path';
import { rowBytes } from '../../pipeline/batch/bytes.js';
import { selectColumns } from '../../pipeline/batch/columns.js';
import { concatBatches, sliceBatch } from '../../pipeline/batch/concat.js';
import { batchFrom } from '../../pipeline/batch/select.js';
import { openUnfinishedFile, type UnfinishedFile } from '../../pipeline/run/unfinished-file.js';
import { defineSink, type Shard } from '../../pipeline/sink.js';
import { type BegunParquet, encodeParquet, type ParquetCompression, type ParquetEncoder } from '../parquet/encode.js';

/**
 * Writes Parquet files `part-00000.parquet`, `part-00001.parquet`, ... The bytes depend on the rows alone, not on the
 * batches that they come in. A file has its name only once it is whole.
 */
export interface ParquetSink {
  /** Compression of the columns. */
  compression: 'zstd' | 'snappy' | 'gzip' | 'none';
  /** Most rows in a row group, which is what is held in memory, read at once and shuffled as a whole. @integer @minimum 1 @maximum 16777215 */
  rowGroup: number;
  /** Most bytes of rows in a row group, before compression. A larger row has one of its own. @minimum 1 @unit bytes */
  rowGroupBytes: number;
  /** Most rows in a file. @integer @minimum 1 */
  file: number;
}

/** A file that rows are being written to. */
interface OpenFile {
  readonly name: string;
  readonly file: UnfinishedFile;
  readonly encoder: ParquetEncoder;
}

/** What the writer goes on from: the files that are whole, and the one that is not. */
interface Facts {
  readonly shards: readonly Shard[];
  /** Its bytes on the disk, and what would end it there, in base64. */
  readonly open?: { readonly bytes: number; readonly end: string };
}

export default defineSink({
  name: 'sink/parquet',
  defaults: { compression: 'zstd', rowGroup: 8192, rowGroupBytes: 16_000_000, file: 1_000_000 },
  adds: true,

  async open(config: ParquetSink, { folder, schema, suspended }) {
    const compression: ParquetCompression = config.compression;
    const names = schema.fields.map(({ name }) => name);
    const { shards: done, open } = (suspended?.facts ?? { shards: [] }) as Facts;
    const shards: Shard[] = [...done];
    const left = suspended?.rows;
    let waiting = left === undefined ? [] : [batchFrom(schema, left.data.children, left.numRows)];
    let rows = left?.numRows ?? 0;
    let bytes = left === undefined ? 0 : rowBytes(left).reduce((sum, size) => sum + size, 0);
    /** Whether another process may go on with the open file. */
    let kept = suspended !== undefined;

    const openFile = async (begun?: BegunParquet): Promise<OpenFile> => {
      const name = `part-${String(shards.length).padStart(5, '0')}.parquet`;
      const file = await openUnfinishedFile(join(folder, name), begun?.bytes);
      return { name, file, encoder: encodeParquet(schema, compression, begun) };
    };
    let current = open && (await openFile({ bytes: open.bytes, end: Buffer.from(open.end, 'base64') }));
    const closeFile = async ({ name, file, encoder }: OpenFile): Promise<void> => {
      await file.write(encoder.end());
      shards.push({ file: name, rows: encoder.rows, ...(await file.commit()) });
      current = undefined;
    };
    const flush = async (): Promise<void> => {
      current ??= await openFile();
      const group = concatBatches(waiting);
      waiting = [];
      rows = 0;
      bytes = 0;
      await current.file.write(current.encoder.rowGroup(group));
      if (current.encoder.rows >= config.file) await closeFile(current);
    };

    return {
      async write(batch) {
        // Batches differ in field metadata, nullability and order of columns; the file has those of the schema.
        const declared = batchFrom(schema, selectColumns(batch, names).data.children, batch.numRows);
        let from = 0;
        const take = (to: number): void => {
          if (to > from) waiting.push(sliceBatch(declared, from, to));
          from = to;
        };
        for (const [row, size] of rowBytes(declared).entries()) {
          if (rows > 0 && bytes + size > config.rowGroupBytes) {
            take(row);
            await flush();
          }
          rows++;
          bytes += size;
          if (rows === Math.min(config.rowGroup, config.file - (current?.encoder.rows ?? 0))) {
            take(row + 1);
            await flush();
          }
        }
        take(declared.numRows);
      },
      async close() {
        if (rows > 0) await flush();
        // An empty data set is one file without rows, so that its columns are known.
        if (current === undefined && shards.length === 0) current = await openFile();
        if (current !== undefined) await closeFile(current);
        return shards;
      },
      async suspend() {
        kept = true;
        const open = current && {
          bytes: await current.file.flush(),
          end: Buffer.from(current.encoder.end()).toString('base64'),
        };
        const facts: Facts = { shards: [...shards], ...(open === undefined ? {} : { open }) };
        return rows === 0 ? { facts } : { facts, rows: concatBatches(waiting) };
      },
      async abort() {
        waiting = [];
        await (kept ? current?.file.leave() : current?.file.abort());
        current = undefined;
      },
    };
  },
});
