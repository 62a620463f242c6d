import { openRowTable } from './row-table.js';

/** One figure of one training step. */
export interface Metric {
  readonly step: number;
  readonly metric: string;
  readonly value: number;
}

/** The table of a stage's figures, a row for each figure of each step. */
export interface MetricsTable {
  /** Records a figure. Cheap and synchronous: it is written in the background. */
  append(row: Metric): void;
  /** Finishes the file and gives it its name. */
  close(): Promise<void>;
  /** Leaves no file behind. */
  abort(): Promise<void>;
}

/**
 * Opens a metrics table: a Parquet file of the columns step, metric and value. A value that is not a number (a loss that
 * broke) is null. Throws an `AlignflowError` when the file cannot be written.
 */
export async function openMetricsTable(path: string): Promise<MetricsTable> {
  const table = await openRowTable(path, {
    step: { type: 'INT32' },
    metric: { type: 'UTF8' },
    value: { type: 'DOUBLE', optional: true },
  });
  return {
    append: ({ step, metric, value }) => table.append({ step, metric, value: Number.isNaN(value) ? undefined : value }),
    close: () => table.close(),
    abort: () => table.abort(),
  };
}
