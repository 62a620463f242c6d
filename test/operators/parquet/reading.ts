import { join } from 'node:path';
import { type RecordBatch, Vector } from 'apache-arrow';

import parquetSource, { type ParquetSource } from '../../../operators/sources/parquet.js';

import { concatBatches } from '../../../pipeline/batch/concat.js';
import type { SourceContext, Unit } from '../../../pipeline/source.js';

/** Folder of the files that pyarrow wrote. */
export const REFERENCE = join(import.meta.dirname, '../../reference/parquet');

/** A context for reading below a folder. */
export function sourceContext(base: string): SourceContext {
  return {
    stage: 'test',
    base,
    seed: 7,
    signal: new AbortController().signal,
    cache: base,
    note: () => undefined,
    reserve: () => undefined,
    drop: () => {
      throw new Error('source/parquet drops no rows');
    },
  };
}

/** All that a source reads below a folder, and its units. */
export async function readAll(
  base: string,
  options: Pick<ParquetSource, 'path'> & Partial<ParquetSource>,
): Promise<{ readonly units: readonly Unit[]; readonly batches: readonly RecordBatch[] }> {
  const config: ParquetSource = { batch: 1024, ...options };
  const context = sourceContext(base);
  const units = await parquetSource.units(config, context);
  const batches: RecordBatch[] = [];
  for (const unit of units) for await (const batch of parquetSource.read(unit, config, context)) batches.push(batch);
  return { units, batches };
}

/** A column's values in JSON's terms: bytes as hexadecimal, integers above 2^53 as text, nested ones alike. */
export function columnValues(batches: readonly RecordBatch[], name: string): unknown[] {
  const column = concatBatches(batches).getChild(name);
  return Array.from({ length: column?.length ?? 0 }, (_, row) => plain(column?.get(row)));
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return value > 2n ** 53n ? String(value) : Number(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (value instanceof Uint32Array) return value[0];
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Vector) return Array.from(value as Iterable<unknown>, plain);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]));
}
