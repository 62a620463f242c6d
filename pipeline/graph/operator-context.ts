import type { RecordBatch } from 'apache-arrow';
import { originWords } from '../batch/origin.js';
import { AlignflowError } from '../errors.js';
import type { OperatorContext } from '../operator.js';
import { createRandom } from '../run/random.js';

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
export type Surroundings = Pick<OperatorContext, 'stage' | 'operator' | 'seed' | 'signal' | 'budget' | 'folder'>;

/** The context of an operator that runs: `take` gets each row that it drops, `drops` are the reasons that it declared. */
export function operatorContext(
  surroundings: Surroundings,
  drops: readonly string[],
  take: (drop: Drop) => void,
  state: OperatorContext['state'] = () => undefined,
): OperatorContext {
  const { seed } = surroundings;
  let measured: Pick<Drop, 'measure' | 'value' | 'threshold'> | undefined;
  let drawn: RecordBatch | undefined;
  let words: Uint32Array | undefined;
  return {
    ...surroundings,
    state,
    random(batch, row) {
      if (batch !== drawn) [drawn, words] = [batch, originWords(batch)];
      return createRandom(seed, words?.[2 * row] ?? row, words?.[2 * row + 1] ?? 0);
    },
    measure(measure, value, threshold) {
      measured = { measure, value, ...(threshold === undefined ? {} : { threshold }) };
    },
    keep() {
      measured = undefined;
    },
    drop(batch, row, reason, detail) {
      if (!drops.includes(reason)) {
        throw new AlignflowError({ what: `the operator dropped a row as "${reason}", which it did not declare` });
      }
      take({ batch, row, reason, ...measured, ...(detail === undefined ? {} : { detail }) });
      measured = undefined;
    },
  };
}
