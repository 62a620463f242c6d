import type { DroppedRow } from '../graph/chain.js';
import { openRowTable } from './row-table.js';

/** Rows dropped by one operator for one reason. */
export interface DropCount {
  readonly operator: string;
  readonly reason: string;
  readonly rows: number;
}

/** The table of a stage's dropped rows: which, where they came from, by whom and why. */
export interface Ledger {
  /** Records a row. Cheap and synchronous: it is written in the background. */
  append(row: DroppedRow): void;
  /** What was dropped so far, in the order of first appearance. */
  counts(): readonly DropCount[];
  /** Resolves when few rows wait to be written; a fast producer waits for it. */
  room(): Promise<void>;
  /** Finishes the file and gives it its name. */
  close(): Promise<void>;
  /** Leaves no file behind. */
  abort(): Promise<void>;
}

/**
 * Opens a ledger: a Parquet file of the columns stage, operator, reason, measure, value, detail, file, row_group, row and
 * epoch. A value that is not a number is null. Throws an `AlignflowError` when the file cannot be written.
 */
export async function openLedger(path: string): Promise<Ledger> {
  const table = await openRowTable(path, {
    stage: { type: 'UTF8' },
    operator: { type: 'UTF8' },
    reason: { type: 'UTF8' },
    measure: { type: 'UTF8', optional: true },
    value: { type: 'DOUBLE', optional: true },
    detail: { type: 'UTF8', optional: true },
    file: { type: 'UTF8' },
    row_group: { type: 'INT32', optional: true },
    row: { type: 'INT32' },
    epoch: { type: 'INT32' },
  });
  const counts = new Map<string, Map<string, number>>();
  return {
    append({ rowGroup, value, ...row }) {
      const reasons = counts.get(row.operator) ?? new Map<string, number>();
      counts.set(row.operator, reasons.set(row.reason, (reasons.get(row.reason) ?? 0) + 1));
      table.append({ ...row, row_group: rowGroup, value: Number.isNaN(value) ? undefined : value });
    },
    counts: () =>
      [...counts].flatMap(([operator, reasons]) => [...reasons].map(([reason, rows]) => ({ operator, reason, rows }))),
    room: () => table.room(),
    close: () => table.close(),
    abort: () => table.abort(),
  };
}
