/** The part of parquetjs-lite 0.8 that is used; the package brings no types. */
declare module 'parquetjs-lite' {
  export interface FieldDefinition {
    readonly type: 'UTF8' | 'INT32' | 'DOUBLE';
    readonly optional?: boolean;
    readonly compression?: 'UNCOMPRESSED' | 'GZIP' | 'SNAPPY';
    readonly statistics?: boolean;
  }

  export class ParquetSchema {
    constructor(fields: Readonly<Record<string, FieldDefinition>>);
  }

  /** Values and levels of one column (lib/shred.js): a level for each row, a value for each that is not null. */
  export interface ColumnBuffer {
    readonly dlevels: number[];
    readonly rlevels: number[];
    readonly values: unknown[];
    readonly distinct_values: Set<unknown>;
    count: number;
  }

  /** Rows that wait for their row group to be full (lib/shred.js). */
  export interface RowBuffer {
    rowCount: number;
    pageRowCount: number;
    readonly columnData: Record<string, ColumnBuffer>;
    readonly pages: Record<string, unknown[]>;
  }

  /** Where the bytes go. */
  export interface OutputStream {
    write(bytes: Uint8Array, done: (error?: Error) => void): void;
    end(done: (error?: Error) => void): void;
  }

  export class ParquetWriter {
    static openStream(
      schema: ParquetSchema,
      output: OutputStream,
      options?: { readonly rowGroupSize?: number; readonly pageSize?: number; readonly pageIndex?: boolean },
    ): Promise<ParquetWriter>;
    rowBuffer: RowBuffer;
    /** A row appended before the promise of the one before it resolves may be lost. */
    appendRow(row: Readonly<Record<string, unknown>>): Promise<void>;
    close(): Promise<void>;
  }

  export class ParquetReader {
    static openFile(path: string): Promise<ParquetReader>;
    /** The next row; null after the last. A row group is read as a whole. */
    getCursor(): { next(): Promise<Readonly<Record<string, unknown>> | null> };
    close(): Promise<void>;
  }
}
