/**
 * The bytes of rows that are in flight in a run. Synchronous operators hold nothing; every asynchronous boundary (image
 * decoding, a sink's write, the trainer's queue) holds what it keeps, and sources wait for room before they read on.
 */
export interface MemoryBudget {
  /** The bound in bytes, less what is reserved. */
  readonly limit: number;
  /** Bytes that are reserved. */
  readonly reserved: number;
  /** Bytes held now. */
  readonly held: number;
  /** The most that was ever held. */
  readonly peak: number;
  /** Holds bytes until the returned function is called (calling it twice is harmless). Never refuses. */
  hold(bytes: number): () => void;
  /** Takes bytes off the limit, for what is no row, until the returned function is called (calling it twice is harmless). */
  reserve(bytes: number): () => void;
  /** Batches that can be worked on at once, at all boundaries together. */
  readonly places: number;
  /** Adds so many of them until the returned function is called. */
  open(places: number): () => void;
  /** Resolves when fewer than `below` bytes (`limit` unless given) are held, or none: one batch may always be in flight. */
  room(below?: number): Promise<void>;
  /** Resolves when some bytes are given back next; at once where none are held. */
  released(): Promise<void>;
}

/** A budget of `limit` bytes. */
export function createBudget(limit: number): MemoryBudget {
  let reserved = 0;
  let held = 0;
  let peak = 0;
  let places = 0;
  let waiting: (() => void)[] = [];
  const wake = () => {
    const woken = waiting;
    waiting = [];
    for (const resume of woken) resume();
  };
  const released = async (): Promise<void> => {
    if (held > 0) await new Promise<void>((resume) => waiting.push(resume));
  };
  /** Adds to a count, and takes it off again once. */
  const lend = (add: (bytes: number) => void, bytes: number) => {
    add(bytes);
    let lent = true;
    return () => {
      if (!lent) return;
      lent = false;
      add(-bytes);
      wake();
    };
  };
  return {
    get limit() {
      return limit - reserved;
    },
    get reserved() {
      return reserved;
    },
    get held() {
      return held;
    },
    get peak() {
      return peak;
    },
    hold(bytes) {
      return lend((more) => {
        held += more;
        peak = Math.max(peak, held);
      }, bytes);
    },
    reserve(bytes) {
      return lend((more) => {
        reserved += more;
      }, bytes);
    },
    get places() {
      return places;
    },
    open(more) {
      places += more;
      return () => {
        places -= more;
      };
    },
    async room(below = limit - reserved) {
      while (held >= below && held > 0) await released();
    },
    released,
  };
}
