import type { RecordBatch } from 'apache-arrow';
import { batchBytes } from '../batch/bytes.js';
import { originOf } from '../batch/origin.js';
import { AlignflowError } from '../errors.js';
import type { OperatorAccount } from '../graph/account.js';
import type { MemoryBudget } from '../graph/budget.js';
import type { Reading } from './read-rows.js';

/** Looks at rows that are read again and again, and refuses by throwing. */
export interface RepeatWatch {
  /** Told of each source before its first row: the first of its units. */
  sourceFrom(unit: number): void;
  /** Told of each batch that goes into the steps. */
  goesIn(batch: RecordBatch): void;
  /** Told of each batch that comes out of them. */
  comesOut(batch: RecordBatch): void;
}

/** So often steps may be given all rows without giving any: what a large shuffle of few rows needs. */
const MOST_EPOCHS = 1000;

/**
 * Finds steps that swallow an endless source: no batch has come out of them, though they were given all rows twice and more
 * bytes than they may hold, or all rows a thousand times.
 */
export function watchSteps(
  { stage, steps }: Reading,
  { limit }: MemoryBudget,
  accounts: readonly OperatorAccount[],
): RepeatWatch {
  const most = steps.reduce((sum, { holds }) => sum + holds, limit);
  let bytes = 0;
  /** Of each source: its first unit, the epoch that it is in, and the one that it was in when a batch came out last. */
  const epochs: { readonly from: number; now: number; before: number }[] = [];
  return {
    sourceFrom(unit: number): void {
      epochs.push({ from: unit, now: 0, before: 0 });
    },
    goesIn(batch: RecordBatch): void {
      bytes += batchBytes(batch);
      const { unit, epoch } = originOf(batch, 0) ?? { unit: 0, epoch: 0 };
      epochs.findLast(({ from }) => from <= unit)!.now = epoch;
      const times = Math.min(...epochs.map(({ now, before }) => now - before));
      if (times < MOST_EPOCHS && (bytes <= most || epoch < 2)) return;
      throw new AlignflowError({
        what: `no batch comes out of the steps, though all rows went in ${epoch} times: ${accounts
          .map(({ operator, rowsOut }) => `${operator} gave ${rowsOut} rows`)
          .join(', ')}`,
        where: { stage },
        expected: 'steps that let some rows of each epoch through',
        fix: 'loosen its filters, or take fewer `rows` in order/batch than there are different values of `distinct`',
      });
    },
    comesOut(): void {
      bytes = 0;
      for (const one of epochs) one.before = one.now;
    },
  };
}
