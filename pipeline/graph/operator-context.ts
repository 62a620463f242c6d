import type { RecordBatch } from 'apache-arrow';
import { originWords } from '../batch/origin.js';
import { AlignflowError } from '../errors.js';
import type { Operator, OperatorContext } from '../operator.js';
import { createRandom } from '../run/random.js';
import { addValue, type Distribution, emptyDistribution } from './distribution.js';

/** A row that an operator drops, as it says so. */
export interface Drop {
  readonly batch: RecordBatch;
  readonly row: number;
  readonly reason: string;
  readonly detail?: string;
  /** The figure that was measured last of the row, where there is one. */
  readonly measure?: string;
  readonly value?: number;
  /** What that was held against. */
  readonly threshold?: number;
}

/** What an operator is told of the place in which it runs. */
export type Surroundings = Pick<
  OperatorContext,
  'stage' | 'operator' | 'seed' | 'signal' | 'budget' | 'folder' | 'scores'
>;

/** Where all goes that an operator says of its rows. */
export interface OperatorRecords {
  /** Gets each row that it drops. */
  readonly take: (drop: Drop) => void;
  /** What it measures, by the name of the measure. */
  readonly measured: Map<string, Distribution>;
}

/** The context of an operator that runs, held to the reasons and measures that it declared. */
export function operatorContext(
  surroundings: Surroundings,
  { drops, measures }: Pick<Operator, 'drops' | 'measures'>,
  { take, measured: distributions }: OperatorRecords,
  state: OperatorContext['state'] = () => undefined,
): OperatorContext {
  const { seed } = surroundings;
  const open = (measure: string): Distribution => {
    if (!measures.includes(measure))
      throw new AlignflowError({ what: `the operator measured "${measure}", which it did not declare` });
    const distribution = emptyDistribution();
    distributions.set(measure, distribution);
    return distribution;
  };
  let measured: Pick<Drop, 'measure' | 'value' | 'threshold'> | undefined;
  let drawn: RecordBatch | undefined;
  let words: Uint32Array | undefined;
  /** Of the batch that a row was dropped of last: the rows that were. */
  let dropping: RecordBatch | undefined;
  const gone = new Set<number>();
  return {
    ...surroundings,
    state,
    random(batch, row) {
      if (batch !== drawn) [drawn, words] = [batch, originWords(batch)];
      return createRandom(seed, words?.[2 * row] ?? row, words?.[2 * row + 1] ?? 0);
    },
    measure(measure, value, threshold) {
      addValue(distributions.get(measure) ?? open(measure), value, threshold);
      measured = { measure, value, ...(threshold === undefined ? {} : { threshold }) };
    },
    keep() {
      measured = undefined;
    },
    drop(batch, row, reason, detail) {
      if (!drops.includes(reason)) {
        throw new AlignflowError({ what: `the operator dropped a row as "${reason}", which it did not declare` });
      }
      if (!(Number.isInteger(row) && row >= 0 && row < batch.numRows))
        throw new AlignflowError({ what: `the operator dropped row ${row} of a batch of ${batch.numRows} rows` });
      if (dropping !== batch) gone.clear();
      dropping = batch;
      if (gone.has(row)) throw new AlignflowError({ what: `the operator dropped row ${row} of a batch twice` });
      gone.add(row);
      take({ batch, row, reason, ...measured, ...(detail === undefined ? {} : { detail }) });
      measured = undefined;
    },
  };
}
