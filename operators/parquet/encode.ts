import { Binary, DataType, FixedSizeBinary, type RecordBatch, type Schema, Table, tableToIPC } from 'apache-arrow';
import type { WriterProperties } from 'parquet-wasm';
import { AlignflowError, reasonOf } from '../../pipeline/errors.js';
import { movedRowGroups } from './extract.js';
import { type Footer, footerBytes, MAGIC, parseFooter, TAIL, withRowGroups } from './footer.js';
import type { ThriftStruct } from './thrift.js';
import { parquetWasm } from './wasm.js';

/** Compressions that are written. */
export type ParquetCompression = 'zstd' | 'snappy' | 'gzip' | 'none';

const CODECS = { zstd: 'ZSTD', snappy: 'SNAPPY', gzip: 'GZIP', none: 'UNCOMPRESSED' } as const;

/** Makes the bytes of one file, a row group at a time. Only the bytes of one row group are in memory. */
export interface ParquetEncoder {
  /** Rows so far. */
  readonly rows: number;
  /** The bytes of one row group, to be written behind those of the one before. */
  rowGroup(batch: RecordBatch): Uint8Array;
  /** The bytes that end the file, if no row group follows. */
  end(): Uint8Array;
}

/** A file that is not at its end. */
export interface BegunParquet {
  /** Bytes of its row groups. */
  readonly bytes: number;
  /** What `end` gave behind them. */
  readonly end: Uint8Array;
}

/**
 * Begins a file of a schema, or goes on with one. The encoder makes a small file of each row group; here the bodies are put one
 * behind the other and their footers become one.
 */
export function encodeParquet(schema: Schema, compression: ParquetCompression, begun?: BegunParquet): ParquetEncoder {
  let last: Footer | undefined = begun && parseFooter(begun.end.subarray(0, begun.end.length - TAIL));
  const groups: ThriftStruct[] = last === undefined ? [] : [...movedRowGroups(last, 0)];
  let position = begun?.bytes ?? 0;
  let rows = last?.rows ?? 0;
  return {
    get rows() {
      return rows;
    },
    rowGroup(batch) {
      const { body, footer } = encode([batch], schema, compression);
      const start = position === 0 ? MAGIC.length : position;
      groups.push(...movedRowGroups(footer, start - MAGIC.length));
      rows += batch.numRows;
      last = footer;
      const bytes = position === 0 ? body : body.subarray(MAGIC.length);
      position += bytes.length;
      return bytes;
    },
    end() {
      if (last !== undefined) return footerBytes(withRowGroups(last.struct, rows, groups));
      const { body, footer } = encode([], schema, compression);
      return Buffer.concat([body, footerBytes(withRowGroups(footer.struct, 0, []))]);
    },
  };
}

/** A whole small file, in two parts: all up to the footer, and that. */
function encode(batches: RecordBatch[], schema: Schema, compression: ParquetCompression) {
  try {
    const { Table: ParquetTable, writeParquet } = parquetWasm();
    const table = ParquetTable.fromIPCStream(tableToIPC(new Table(schema, batches), 'stream'));
    // The encoder takes the table and the properties; both are gone afterwards.
    const bytes = writeParquet(table, properties(schema, compression));
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.length - TAIL, true);
    const body = bytes.subarray(0, bytes.length - TAIL - length);
    // A copy: what is parsed points into its bytes, and stays until the file is whole.
    return { body, footer: parseFooter(bytes.slice(body.length, bytes.length - TAIL)) };
  } catch (error) {
    throw new AlignflowError({
      what: `the rows cannot be written as Parquet: ${reasonOf(error)}`,
      expected: `columns of types that Parquet has; these are: ${schema.fields.map((field) => `${field.name}: ${field.type}`).join(', ')}`,
      fix: 'leave the column out, or convert it before the sink',
      cause: error,
    });
  }
}

function properties(schema: Schema, compression: ParquetCompression): WriterProperties {
  const { Compression, EnabledStatistics, WriterPropertiesBuilder } = parquetWasm();
  let builder = new WriterPropertiesBuilder()
    .setCreatedBy('alignflow')
    .setCompression(Compression[CODECS[compression]])
    .setMaxRowGroupSize(2 ** 24);
  for (const { name, type } of schema.fields) {
    // Images: no two are alike, and nobody asks for the smallest.
    if (!(DataType.isBinary(type) || type instanceof Binary || type instanceof FixedSizeBinary)) continue;
    builder = builder.setColumnDictionaryEnabled(name, false).setColumnStatisticsEnabled(name, EnabledStatistics.None);
  }
  return builder.build();
}
