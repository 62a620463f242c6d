import { isDeepStrictEqual } from 'node:util';
import { RecordBatch } from 'apache-arrow';
import { type RunHelpers, TestScheduler } from 'rxjs/testing';
import { batchDifference } from '../../pipeline/batch/equal.js';

/**
 * Runs a marble test in virtual time. Record batches are equal when their columns and values are. Promises do not run in
 * virtual time: test asynchronous operators without marbles.
 *
 * ```ts
 * marbles(({ cold, expectObservable }) => {
 *   const source = cold('a-b-|', { a: batchOf({ n: int32Column([1]) }), b: batchOf({ n: int32Column([2]) }) });
 *   expectObservable(source.pipe(rebatch(2))).toBe('----(c|)', { c: batchOf({ n: int32Column([1, 2]) }) });
 * });
 * ```
 */
export function marbles(body: (helpers: RunHelpers) => void): void {
  new TestScheduler(sameFrames).run(body);
}

/** What the scheduler compares: notifications with their frame, or subscriptions. */
interface Frame {
  readonly frame?: number;
  readonly notification?: { readonly kind: string; readonly value?: unknown; readonly error?: unknown };
}

function sameFrames(actual: readonly Frame[], expected: readonly Frame[]): void {
  for (let i = 0; i < Math.max(actual.length, expected.length); i++) {
    const difference = frameDifference(actual[i], expected[i]);
    if (difference !== undefined) throw new Error(`event ${i}: ${difference}`);
  }
}

function frameDifference(actual: Frame | undefined, expected: Frame | undefined): string | undefined {
  const [a, b] = [actual?.notification, expected?.notification];
  if (a?.value instanceof RecordBatch && b?.value instanceof RecordBatch) {
    if (actual!.frame !== expected!.frame) return `at ${actual!.frame} ms, expected at ${expected!.frame} ms`;
    return batchDifference(a.value, b.value);
  }
  return isDeepStrictEqual(actual, expected) ? undefined : `${describe(actual)}, expected ${describe(expected)}`;
}

function describe(frame: Frame | undefined): string {
  if (frame === undefined) return 'nothing';
  const { notification } = frame;
  if (notification === undefined) return JSON.stringify(frame);
  const content = notification.kind === 'E' ? String(notification.error) : String(notification.value ?? '');
  return `${{ N: 'next', E: 'error', C: 'complete' }[notification.kind] ?? notification.kind} ${content} at ${frame.frame} ms`;
}
