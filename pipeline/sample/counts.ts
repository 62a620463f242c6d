/** The counts of a stage's operators at moments of its run, and what came between. */
import type { OperatorAccount } from '../graph/account.js';

/** The counts of an operator. */
export type Counts = Pick<OperatorAccount, 'operator' | 'rowsIn' | 'rowsOut' | 'bytes' | 'seconds'>;

/** The accounts of a stage, which go on. */
export interface RowsSeen {
  readonly accounts: readonly OperatorAccount[];
  readonly branches: readonly { readonly name: string; readonly accounts: readonly OperatorAccount[] }[];
}

/** The counts of all operators at a moment, or what came between two. */
export interface Moment {
  /** Since the start of the process. */
  readonly seconds: number;
  /** The source first. */
  readonly operators: readonly Counts[];
  readonly branches: readonly { readonly name: string; readonly operators: readonly Counts[] }[];
}

/** Before any rows. */
export function emptyMoment(): Moment {
  return { seconds: performance.now() / 1000, operators: [], branches: [] };
}

/** The counts as they are now. */
export function momentOf({ accounts, branches }: RowsSeen): Moment {
  return {
    seconds: performance.now() / 1000,
    operators: accounts.map(countsOf),
    branches: branches.map(({ name, accounts }) => ({ name, operators: accounts.map(countsOf) })),
  };
}

function countsOf({ operator, rowsIn, rowsOut, bytes, seconds }: OperatorAccount): Counts {
  return { operator, rowsIn, rowsOut, bytes, seconds };
}

/** `one + factor * other`. An operator that is not in the other stays as it is. */
export function addMoment<Of extends Moment>(one: Of, other: Moment, factor: number): Of {
  return {
    ...one,
    seconds: one.seconds + factor * other.seconds,
    operators: addCounts(one.operators, other.operators, factor),
    branches: one.branches.map(({ name, operators }, i) => ({
      name,
      operators: addCounts(operators, other.branches[i]?.operators ?? [], factor),
    })),
  };
}

function addCounts(counts: readonly Counts[], others: readonly Counts[], factor: number): Counts[] {
  return counts.map((one, i) => {
    const other = others[i];
    if (other === undefined) return one;
    return {
      operator: one.operator,
      rowsIn: one.rowsIn + factor * other.rowsIn,
      rowsOut: one.rowsOut + factor * other.rowsOut,
      bytes: one.bytes + factor * other.bytes,
      seconds: one.seconds + factor * other.seconds,
    };
  });
}
