/**
 * The bytes of rows that are in flight in a run. Synchronous operators hold nothing; every asynchronous boundary (image
 * decoding, a sink's write, the trainer's queue) holds what it keeps, and sources wait for room before they read on.
 */
export interface MemoryBudget {
  /** The bound in bytes. */
  readonly limit: number;
  /** Bytes held now. */
  readonly held: number;
  /** The most that was ever held. */
  readonly peak: number;
  /** Holds bytes until the returned function is called (calling it twice is harmless). Never refuses. */
  hold(bytes: number): () => void;
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
  return {
    limit,
    get held() {
      return held;
    },
    get peak() {
      return peak;
    },
    hold(bytes) {
      held += bytes;
      peak = Math.max(peak, held);
      let released = false;
      return () => {
        if (released) return;
        released = true;
        held -= bytes;
        wake();
      };
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
    async room(below = limit) {
      while (held >= below && held > 0) await released();
    },
    released,
  };
}
