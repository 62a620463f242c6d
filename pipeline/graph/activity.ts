/** When an operator is at work, and when it waits for rows. */
import type { OperatorAccount } from './account.js';
import type { MemoryBudget } from './budget.js';

/** Tells of one operator's work, for its account. */
export interface Activity {
  /** Runs what it does with rows that arrive. */
  arrive(work: () => void): void;
  /** The run's budget, in which what it holds counts for its account too. */
  readonly budget: MemoryBudget;
}

/** Follows the work of one operator. It waits from the end of all that it had until the next rows arrive. */
export function followActivity(
  account: OperatorAccount,
  budget: MemoryBudget,
  now: () => number = () => performance.now(),
): Activity {
  let atWork = 0;
  let holds = 0;
  let heldSince = 0;
  let idleSince: number | undefined;
  const begin = (time: number): void => {
    if (atWork++ === 0 && idleSince !== undefined) account.waiting += (time - idleSince) / 1000;
  };
  const end = (time: number): void => {
    if (--atWork === 0) idleSince = time;
  };
  const hold = (bytes: number): (() => void) => {
    const time = now();
    begin(time);
    if (holds++ === 0) heldSince = time;
    account.held += bytes;
    account.heldMost = Math.max(account.heldMost, account.held);
    const release = budget.hold(bytes);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      const time = now();
      if (--holds === 0) account.seconds += (time - heldSince) / 1000;
      account.held -= bytes;
      end(time);
      release();
    };
  };
  return {
    arrive(work) {
      begin(now());
      try {
        work();
      } finally {
        end(now());
      }
    },
    budget: {
      get limit() {
        return budget.limit;
      },
      get reserved() {
        return budget.reserved;
      },
      get held() {
        return budget.held;
      },
      get peak() {
        return budget.peak;
      },
      hold,
      get places() {
        return budget.places;
      },
      open: (places) => budget.open(places),
      room: (below) => budget.room(below),
      reserve: (bytes) => budget.reserve(bytes),
      released: () => budget.released(),
    },
  };
}
