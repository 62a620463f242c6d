import { type MonoTypeOperatorFunction, Observable } from 'rxjs';

/**
 * Passes a stream on. Fails with `fault` when the process has nothing left to wait for while the stream has not ended: Node
 * would end the process then, and nobody would be told.
 */
export function unlessStalled<T>(fault: () => Error): MonoTypeOperatorFunction<T> {
  return (source) =>
    new Observable((subscriber) => {
      const fail = () => subscriber.error(fault());
      process.once('beforeExit', fail);
      subscriber.add(() => process.off('beforeExit', fail));
      subscriber.add(source.subscribe(subscriber));
    });
}
