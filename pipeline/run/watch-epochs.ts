import type { RecordBatch } from 'apache-arrow';
import { originWords } from '../batch/origin.js';
import { AlignflowError } from '../errors.js';
import type { DroppedRow } from '../graph/chain.js';
import { formatCount } from '../terminal/format.js';
import type { Reading, WeightedSource } from './read-rows.js';
import type { RepeatWatch } from './watch-steps.js';

/** A source as it is read again and again. */
interface SourceEpochs {
  /** Its first unit, which tells its rows from those of others. */
  readonly from: number;
  /** Rows of its first epoch that went into the steps, and those of them that were dropped before batches were made. */
  rows: number;
  dropped: number;
  /** Whether the first epoch is over. */
  known: boolean;
  /** Its rows in all batches that came out. */
  given: number;
}

/**
 * Finds batches that hold more rows of a source than an epoch of it has, in the mean of the batches so far: then rows stand in a batch
 * more than once, and training takes the rows of a batch as different. The first such batch cannot be full before its source's first
 * epoch is over. What the step that makes batches drops itself (`distinct`) counts as there: it may stand in another batch.
 */
export function watchEpochs({ stage, sources, steps }: Reading): RepeatWatch & { drops(row: DroppedRow): void } {
  const epochs: SourceEpochs[] = [];
  let batches = 0;
  const batching = steps.findLastIndex(({ operator }) => operator.batchRows !== undefined);
  const before = new Set(steps.slice(0, batching < 0 ? steps.length : batching).map(({ label }) => label));
  const sourceOf = (unit: number) => epochs.findLast(({ from }) => from <= unit)!;
  return {
    sourceFrom: (unit) => void epochs.push({ from: unit, rows: 0, dropped: 0, known: false, given: 0 }),
    goesIn(batch) {
      if (epochs.every(({ known }) => known)) return;
      eachRow(batch, (unit, epoch) => {
        const source = sourceOf(unit);
        if (epoch > 0) source.known = true;
        else source.rows++;
      });
    },
    drops({ operator, epoch, unit = 0 }) {
      if (epoch === 0 && before.has(operator)) sourceOf(unit).dropped++;
    },
    comesOut(batch) {
      batches++;
      const [only, another] = epochs;
      if (another === undefined) only!.given += batch.numRows;
      else eachRow(batch, (unit) => void sourceOf(unit).given++);
      for (const [i, { known, rows, dropped, given }] of epochs.entries()) {
        const there = rows - dropped;
        const mean = given / batches;
        if (known && mean > there)
          throw repeated(stage, { mean, there, from: epochs.length > 1 ? nameOf(sources[i]!) : undefined });
      }
    },
  };
}

/** The stage whose rows a source reads, or what it is. */
const nameOf = ({ of, source }: WeightedSource) => of?.name ?? source.name;

/** Tells the unit and the epoch of each row. */
function eachRow(batch: RecordBatch, take: (unit: number, epoch: number) => void): void {
  const words = originWords(batch) ?? new Uint32Array();
  for (let i = 0; i < words.length; i += 2) {
    const high = words[i + 1]!;
    take(((high & 0xffff) << 8) | (words[i]! >>> 24), high >>> 16);
  }
}

/** @param from the source, where it is one of several */
function repeated(
  stage: string,
  { mean, there, from }: { readonly mean: number; readonly there: number; readonly from: string | undefined },
): AlignflowError {
  const [batch, epoch] = [formatCount(Math.ceil(mean)), formatCount(there)];
  return new AlignflowError({
    what: `${from === undefined ? `a batch has ${batch} rows` : `a batch has ${batch} rows of ${from} in the mean`}, and an epoch ${epoch}: some stand in it more than once`,
    where: { stage },
    expected: 'batches whose rows differ, as training takes them: of no more rows than an epoch has',
    fix:
      from === undefined
        ? `take at most ${there} \`rows\` in order/batch, or add data`
        : `take fewer \`rows\` in order/batch, give ${from} a smaller weight, or name a column in its \`distinct\``,
  });
}
