import type { RecordBatch } from 'apache-arrow';
import { Observable, type OperatorFunction, takeWhile } from 'rxjs';
import { batchBytes } from '../batch/bytes.js';
import type { MemoryBudget } from './budget.js';

/** A batch on its way: waiting, being worked on, or done and waiting for those before it. */
interface Job<Result> {
  readonly batch: RecordBatch;
  release: () => void;
  done?: { readonly result: Result };
}

/**
 * Asynchronous work on batches. Results come out in the order of the batches; at most `concurrency` batches are begun and not
 * yet emitted. The bytes of a batch count in the run's budget from its arrival, those of its result until it is emitted, so
 * that sources wait. Unsubscribing aborts `signal`, and what is still under way is forgotten and counts no more.
 *
 * @param concurrency 2 unless given: one batch is worked on while the next is begun.
 */
export function mapAsync(
  context: { readonly budget: MemoryBudget },
  work: (batch: RecordBatch, signal: AbortSignal) => Promise<RecordBatch>,
  { concurrency = 2 }: { readonly concurrency?: number } = {},
): OperatorFunction<RecordBatch, RecordBatch> {
  return mapOrdered(context, work, { concurrency, bytes: batchBytes });
}

/** As `mapAsync`, with results of any kind, whose `bytes` count until they are emitted. */
export function mapOrdered<Result>(
  { budget }: { readonly budget: MemoryBudget },
  work: (batch: RecordBatch, signal: AbortSignal) => Promise<Result>,
  { concurrency, bytes }: { readonly concurrency: number; readonly bytes: (result: Result) => number },
): OperatorFunction<RecordBatch, Result> {
  return (source) =>
    new Observable<Result>((subscriber) => {
      const abort = new AbortController();
      /** In order of arrival; the first `begun` of them are being worked on or done. */
      const jobs: Job<Result>[] = [];
      let begun = 0;
      let completed = false;

      const begin = async (job: Job<Result>): Promise<void> => {
        try {
          const result = await work(job.batch, abort.signal);
          if (subscriber.closed) return;
          job.release();
          job.release = budget.hold(bytes(result));
          job.done = { result };
          advance();
        } catch (error) {
          subscriber.error(error);
        }
      };
      const advance = (): void => {
        while (!subscriber.closed && jobs[0]?.done !== undefined) {
          const { done, release } = jobs.shift()!;
          begun--;
          try {
            subscriber.next(done!.result);
          } finally {
            release();
          }
        }
        while (!subscriber.closed && begun < concurrency && begun < jobs.length) void begin(jobs[begun++]!);
        if (completed && jobs.length === 0) subscriber.complete();
      };

      subscriber.add(budget.open(concurrency));
      subscriber.add(() => {
        abort.abort();
        for (const job of jobs) job.release();
      });
      subscriber.add(
        source.pipe(takeWhile(() => !subscriber.closed)).subscribe({
          next(batch) {
            jobs.push({ batch, release: budget.hold(batchBytes(batch)) });
            advance();
          },
          error: (error) => subscriber.error(error),
          complete() {
            completed = true;
            advance();
          },
        }),
      );
    });
}
