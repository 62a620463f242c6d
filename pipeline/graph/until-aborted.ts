import { type MonoTypeOperatorFunction, Observable } from 'rxjs';

/** Passes a stream on until the signal is aborted: then unsubscribes from it and fails with the signal's reason. */
export function untilAborted<T>(signal: AbortSignal): MonoTypeOperatorFunction<T> {
  return (source) =>
    new Observable((subscriber) => {
      const stop = () => subscriber.error(signal.reason);
      if (signal.aborted) return stop();
      signal.addEventListener('abort', stop, { once: true });
      subscriber.add(() => signal.removeEventListener('abort', stop));
      subscriber.add(source.subscribe(subscriber));
    });
}
