import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Schema } from 'apache-arrow';
import { schemaDifference } from '../../pipeline/batch/equal.js';
import { plainBatch, plainSchema } from '../../pipeline/batch/plain.js';
import { AlignflowError } from '../../pipeline/errors.js';
import { defineSource } from '../../pipeline/source.js';
import { openParquet, type ParquetFile } from '../parquet/file.js';
import { readRowGroup } from '../parquet/row-group.js';
import { fileName, listFiles } from './file-list.js';

/**
 * Reads Parquet files, a row group at a time: zstd, snappy, gzip, Brotli, LZ4 or uncompressed. A row group of more than 24 MB is
 * read in parts, whose batches may be smaller than `batch`. A page is decoded whole, and a column of lists with all of its pages: where
 * these are large, what that takes (up to seven times their bytes) is set apart from the run's `memory`, and has to fit into it. All files must have the same columns. Text and binary columns come as Utf8 and Binary, however they were written, and
 * dictionaries as their values.
 */
export interface ParquetSource {
  /**
   * A file; a folder, with all `.parquet` files in it and below; or a pattern such as `data/*.parquet`, where `*` stands for any
   * name, `**` for any folders and `{a,b}` for either. Relative to the manifest. Names that begin with `.` or `_` are left out.
   */
  path: string;
  /** Columns to read, in the order of the file; all of them when left out. Others do not leave the disk. */
  columns?: string[];
  /** Most rows in a batch. @integer @minimum 1 */
  batch: number;
}

/** Footers of one run that were read last: the row groups of a file are mostly read one after the other. */
const opened = new WeakMap<object, Map<string, Promise<ParquetFile>>>();
const KEPT = 64;

export default defineSource({
  name: 'source/parquet',
  defaults: { batch: 1024 },

  schema: async (config: ParquetSource, { base }) => {
    const [first] = await listFiles(base, config.path, '.parquet');
    return plainSchema((await openParquet(first!, { name: fileName(base, first!), columns: config.columns })).schema);
  },

  identity: async ({ path }, { base }) => {
    const files = await listFiles(base, path, '.parquet');
    const states = await Promise.all(files.map(async (file) => ({ file, ...(await stat(file)) })));
    return JSON.stringify(states.map(({ file, size, mtimeMs }) => [fileName(base, file), size, mtimeMs]));
  },

  units: async (config, context) => {
    const files = await listFiles(context.base, config.path, '.parquet');
    let first: { readonly name: string; readonly schema: Schema } | undefined;
    const units = [];
    for (const path of files) {
      context.signal.throwIfAborted();
      const name = fileName(context.base, path);
      const file = await open(path, name, config, context);
      const schema = plainSchema(file.schema);
      first ??= { name, schema };
      checkSame(schema, name, first);
      for (const [rowGroup, { rows }] of file.footer.rowGroups.entries()) {
        if (rows > 0) units.push({ file: name, rowGroup, rows });
      }
    }
    return units;
  },

  async *read({ file: name, rowGroup = 0, rows }, config, context) {
    const file = await open(resolve(context.base, name), name, config, context);
    if (file.footer.rowGroups[rowGroup]?.rows !== rows) {
      throw new AlignflowError({
        what: 'the file was changed while it was read',
        where: { file: name, rowGroup },
        fix: 'start again when nothing writes it any more',
      });
    }
    const schema = plainSchema(file.schema);
    const reserve = (bytes: number): void =>
      context.reserve({
        bytes,
        what: 'decoding its largest page, or a column of lists,',
        where: { file: name, rowGroup },
        fix: 'raise `memory`, or write the file with smaller row groups (`row_group_size=100` in pyarrow)',
      });
    for await (const batch of readRowGroup(file, rowGroup, { batchSize: config.batch, reserve })) {
      context.signal.throwIfAborted();
      yield plainBatch(batch, schema);
    }
  },
});

function open(path: string, name: string, { columns }: ParquetSource, context: object): Promise<ParquetFile> {
  const files = opened.get(context) ?? new Map<string, Promise<ParquetFile>>();
  opened.set(context, files);
  const file = files.get(path) ?? openParquet(path, { name, columns });
  files.delete(path);
  files.set(path, file);
  for (const oldest of files.keys()) {
    if (files.size <= KEPT) break;
    files.delete(oldest);
  }
  return file;
}

function checkSame(schema: Schema, name: string, first: { readonly name: string; readonly schema: Schema }): void {
  if (schemaDifference(first.schema, schema) === undefined) return;
  throw new AlignflowError({
    what: `the file has other columns than ${first.name}: ${differingColumn(first.schema, schema)}`,
    where: { file: name },
    expected: 'the same columns, types and order in all files of a source',
    fix: 'narrow `path`, or name the columns that all files share in `columns`',
  });
}

/** The first column that differs, in words. */
function differingColumn(wanted: Schema, schema: Schema): string {
  for (const { name, type } of wanted.fields) {
    const other = schema.fields.find((field) => field.name === name);
    if (other === undefined) return `it has no "${name}"`;
    if (String(other.type) !== String(type)) return `"${name}" is ${other.type}, not ${type}`;
  }
  const more = schema.fields.find(({ name }) => !wanted.fields.some((field) => field.name === name));
  return more === undefined ? 'they come in another order' : `it has "${more.name}" too`;
}
