import { existsSync } from 'node:fs';
import { AlignflowError, reasonOf } from '../errors.js';
import type { DroppedRow } from '../graph/chain.js';

/**
 * The rows of a stage's ledger, in its order, a row group in memory at a time. None where there is no ledger. Throws an
 * `AlignflowError` for a file that is no ledger.
 */
export async function* readLedger(path: string): AsyncGenerator<DroppedRow> {
  if (!existsSync(path)) return;
  const broken = (error: unknown) =>
    new AlignflowError({
      what: `this is no ledger that can be read: ${reasonOf(error)}`,
      where: { file: path },
      fix: 'run the manifest again: the stage is made anew where its files are not whole',
      cause: error,
    });
  const { default: parquet } = await import('parquetjs-lite');
  const reader = await parquet.ParquetReader.openFile(path).catch((error: unknown) => {
    throw broken(error);
  });
  try {
    const cursor = reader.getCursor();
    for (;;) {
      const row = await cursor.next().catch((error: unknown) => {
        throw broken(error);
      });
      if (row === null) return;
      const { row_group: rowGroup, ...rest } = row;
      yield { ...rest, ...(rowGroup === undefined ? {} : { rowGroup }) } as unknown as DroppedRow;
    }
  } finally {
    await reader.close();
  }
}
