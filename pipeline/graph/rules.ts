/** What an operator is held to while it runs: what it breaks would harm others, unseen. */
import type { RecordBatch, Schema } from 'apache-arrow';
import { batchBytes } from '../batch/bytes.js';
import { originWords, withoutOrigin } from '../batch/origin.js';
import { sampleBytes } from '../batch/sample-bytes.js';
import { undeclaredColumn } from '../batch/undeclared-column.js';
import { AlignflowError } from '../errors.js';
import { formatBytes } from '../manifest/units.js';
import { droppedRows, type OperatorAccount } from './account.js';
import type { Step } from './chain.js';
import { READ_AHEAD } from './read-ahead.js';

/** Watches one operator. What it did wrong is returned, or thrown where it is about to be passed on. */
export interface Rules {
  /** Told of a batch before the operator is given it. */
  given(batch: RecordBatch): AlignflowError | undefined;
  /** Told when the operator has been given it: a synchronous one is through with it. */
  taken(batch: RecordBatch): AlignflowError | undefined;
  /** What the operator emits, if it may. */
  emitted(value: RecordBatch): RecordBatch;
}

/** Batches under way that are watched. */
const WATCHED = 4;

/** Bytes that are no matter, however small the memory of the run is. */
const FEW = READ_AHEAD;

/**
 * Holds an operator to its declared schema, to the origins of rows, to leaving what it is given as it is, and to keeping no more rows
 * than it says and the memory has.
 *
 * @param limit the run's bound of bytes
 */
export function holdToRules(
  { output, operator, options, holds }: Step,
  account: OperatorAccount,
  limit: number,
): Rules {
  /** One batch may always be in flight, however large. */
  const gathered = operator.batchRows?.(options) ?? 0;
  /** What an operator that works asynchronously may be working on, the newest last. */
  const underWay: Given[] = [];
  let sample = 0;
  let origins = false;
  let known: Schema | undefined;
  const kept = { bytes: 0, rows: 0 };

  /** Rows that it keeps by itself: those in asynchronous work are in the budget, and keep the source waiting. */
  const keepsTooMuch = (batch: RecordBatch): AlignflowError | undefined => {
    const rows = account.rowsIn - account.rowsOut - droppedRows(account);
    if (holds === undefined || account.held > 0 || rows <= Math.max(batch.numRows, gathered)) return undefined;
    kept.bytes += batchBytes(batch);
    kept.rows += batch.numRows;
    const bytes = Math.round((kept.bytes / Math.max(1, kept.rows)) * rows);
    return bytes > Math.max(limit, FEW) + holds ? keeps(rows, bytes, holds) : undefined;
  };
  return {
    given(batch) {
      sample = sampleBytes(batch);
      origins ||= originWords(batch) !== undefined;
      return keepsTooMuch(batch);
    },
    taken(batch) {
      if (sampleBytes(batch) !== sample) return changesInput();
      if (account.held > 0) underWay.push({ batch: new WeakRef(batch), sample });
      if (underWay.length > WATCHED) underWay.shift();
      return undefined;
    },
    emitted(value) {
      if (!isBatch(value)) throw noBatch(value);
      if (underWay.some(isChanged)) throw changesInput();
      underWay.shift();
      if (value.schema === known) return value;
      const difference = undeclaredColumn(withoutOrigin(value).schema, output);
      if (difference !== undefined) throw undeclared(difference);
      if (origins && originWords(value) === undefined) throw losesOrigins();
      known = value.schema;
      return value;
    },
  };
}

/** A batch, where it is still needed by somebody, and a sample of its bytes as they were. */
interface Given {
  readonly batch: WeakRef<RecordBatch>;
  readonly sample: number;
}

function isChanged({ batch, sample }: Given): boolean {
  const needed = batch.deref();
  return needed !== undefined && sampleBytes(needed) !== sample;
}

/** By its form: the operator of a package may have made it with another copy of Arrow. */
function isBatch(value: unknown): boolean {
  const { schema, data, numRows } = Object(value) as Partial<RecordBatch>;
  return Array.isArray(schema?.fields) && Array.isArray(data?.children) && typeof numRows === 'number';
}

function noBatch(value: unknown): AlignflowError {
  const kind = typeof value === 'object' && value !== null ? value.constructor?.name : undefined;
  return new AlignflowError({
    what: `the operator emits ${kind === undefined ? String(value).slice(0, 40) : `an object of ${kind}`}, which is no record batch`,
    expected: 'a RecordBatch of apache-arrow',
    fix: 'emit what helpers such as keepRows and withColumn return, or a batch of your own',
  });
}

function undeclared(difference: string): AlignflowError {
  return new AlignflowError({
    what: `the operator emits ${difference}`,
    expected: 'the schema that its `writes` declares',
    fix: 'make `writes` and what `run` emits agree; the conformance suite finds where they do not',
  });
}

function losesOrigins(): AlignflowError {
  return new AlignflowError({
    what: 'the operator emits rows without the hidden column that says where each came from',
    expected: 'that column in every batch: the ledger names rows by it, and random choices hang on it',
    fix: 'make batches out of those that came in, with keepRows, takeRows, withColumn or withoutColumns',
  });
}

function changesInput(): AlignflowError {
  return new AlignflowError({
    what: 'the operator changes the batch that it is given',
    expected: 'that it leaves it as it is: branches, the ledger and later epochs read the same bytes',
    fix: 'copy a column before you change its values',
  });
}

function keeps(rows: number, bytes: number, holds: number): AlignflowError {
  return new AlignflowError({
    what: `the operator keeps ${rows.toLocaleString('en')} rows, ${formatBytes(bytes)}, more than the memory of the run`,
    expected: `that it keeps what its \`holds\` declares, ${formatBytes(holds)}, and gives on the rest as it comes`,
    fix: 'emit or drop rows as they come, or declare in `holds` what must be kept',
  });
}
