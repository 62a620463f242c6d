import { AlignflowError, reasonOf } from '../errors.js';

/** What ends a run early: at once, or at the next place that it can go on from. The reasons are `AlignflowError`s. */
export interface Ending {
  /** The run ends at once. */
  readonly signal: AbortSignal;
  /** The run ends where it can go on from; `signal` follows where it has not in time. */
  readonly stopping: AbortSignal;
  /** Ends the run at once. */
  abort(reason?: unknown): void;
  /** Listens no longer: the run has ended. */
  clear(): void;
}

/** Milliseconds that a run may take to get to a place that it can go on from. */
const PATIENCE = 2000;

/**
 * Ends a run as signals say.
 *
 * @param now ends it at once
 * @param soon ends it at the next place that it can go on from, or at once after 2 seconds without one
 */
export function endingOf(now: AbortSignal | undefined, soon: AbortSignal | undefined): Ending {
  const [atOnce, stopping] = [new AbortController(), new AbortController()];
  let timer: NodeJS.Timeout | undefined;
  const abort = (reason?: unknown) => atOnce.abort(abortOf(reason));
  const end = () => abort(now?.reason);
  const stop = () => {
    stopping.abort(abortOf(soon?.reason));
    timer = setTimeout(() => abort(soon?.reason), PATIENCE);
  };
  for (const [signal, listener] of [[now, end] as const, [soon, stop] as const]) {
    if (signal?.aborted) listener();
    else signal?.addEventListener('abort', listener, { once: true });
  }
  return {
    signal: atOnce.signal,
    stopping: stopping.signal,
    abort,
    clear() {
      clearTimeout(timer);
      now?.removeEventListener('abort', end);
      soon?.removeEventListener('abort', stop);
    },
  };
}

/** Why a run ends early: the reason of a signal, told as what it is. Signals have a `DOMException` where nobody gave one. */
function abortOf(reason: unknown): AlignflowError {
  if (reason instanceof AlignflowError) return reason;
  const plain = reason === undefined || (reason instanceof DOMException && reason.name === 'AbortError');
  return new AlignflowError({
    what: plain ? 'the run was aborted' : `the run was aborted: ${reasonOf(reason)}`,
    fix: 'run the plan again: it skips what is complete and goes on from the last checkpoint',
    ...(reason === undefined ? {} : { cause: reason }),
  });
}
