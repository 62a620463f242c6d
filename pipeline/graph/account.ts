import type { Distribution } from './distribution.js';

/** What one operator of a stage took in, gave out and dropped, and how long it was busy. */
export interface OperatorAccount {
  readonly operator: string;
  rowsIn: number;
  rowsOut: number;
  /** Rows dropped, by reason. */
  readonly dropped: Map<string, number>;
  /** The values that it measured of its rows, kept and dropped, by the name of the measure. */
  readonly measured: Map<string, Distribution>;
  /** Bytes of the rows that came out. */
  bytes: number;
  /** Bytes that it holds now in asynchronous work: its queue. */
  held: number;
  /** The most that it ever held. */
  heldMost: number;
  /** Time in which it was at work: in its own synchronous code, or with rows in asynchronous work. */
  seconds: number;
  /** Time in which it waited for rows; of a source, for room behind it. */
  waiting: number;
  /** Whether it has had all rows and has not come to its own end. */
  ending: boolean;
}

/** Opens the account of an operator. */
export function createAccount(operator: string): OperatorAccount {
  return {
    operator,
    rowsIn: 0,
    rowsOut: 0,
    dropped: new Map(),
    measured: new Map(),
    bytes: 0,
    held: 0,
    heldMost: 0,
    seconds: 0,
    waiting: 0,
    ending: false,
  };
}

/** Opens the account of an operator of a stage (or a branch); its counts go on where an interrupted run left them. */
export function openAccount(
  operator: string,
  stage: string,
  progress?: { account(stage: string, account: OperatorAccount): void },
): OperatorAccount {
  const account = createAccount(operator);
  progress?.account(stage, account);
  return account;
}

/** Rows that an operator dropped, for all reasons together. */
export function droppedRows(account: OperatorAccount): number {
  let sum = 0;
  for (const rows of account.dropped.values()) sum += rows;
  return sum;
}

/** Times operators that call each other: a chain of `next` calls is one stack, and only its top is busy. */
export interface BusyClock {
  /** Runs `work` on the account of an operator; the caller's time stands still meanwhile. */
  run(account: OperatorAccount, work: () => void): void;
  /** Runs `work` on nobody's account (what stands behind the chain). */
  outside(work: () => void): void;
}

/** A clock for one chain of operators. */
export function createBusyClock(now: () => number = () => performance.now()): BusyClock {
  let busy: OperatorAccount | undefined;
  let since = 0;
  const turn = (next: OperatorAccount | undefined) => {
    const time = now();
    // What works asynchronously is timed by what it holds.
    if (busy !== undefined && busy.held === 0) busy.seconds += (time - since) / 1000;
    since = time;
    const before = busy;
    busy = next;
    return before;
  };
  const within = (account: OperatorAccount | undefined, work: () => void) => {
    const before = turn(account);
    try {
      work();
    } finally {
      turn(before);
    }
  };
  return { run: within, outside: (work) => within(undefined, work) };
}
