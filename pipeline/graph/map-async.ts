import type { RecordBatch } from 'apache-arrow';
import { Observable, type OperatorFunction, takeWhile } from 'rxjs';
import { batchBytes } from '../batch/bytes.js';
import type { MemoryBudget } from './budget.js';

/** A batch on its way: waiting, being worked on, or done and waiting for those before it. */
interface Job {
  readonly batch: RecordBatch;
  release: () => void;
  result?: RecordBatch;
}

type Done = Job & Required<Pick<Job, 'result'>>;

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
  const { budget } = context;
  return (source) =>
    new Observable<RecordBatch>((subscriber) => {
      const abort = new AbortController();
      /** In order of arrival; the first `begun` of them are being worked on or done. */
      const jobs: Job[] = [];
      let begun = 0;
      let completed = false;

      const begin = async (job: Job): Promise<void> => {
        try {
          const result = await work(job.batch, abort.signal);
          if (subscriber.closed) return;
          job.release();
          job.release = budget.hold(batchBytes(result));
          job.result = result;
          advance();
        } catch (error) {
          subscriber.error(error);
        }
      };
      const advance = (): void => {
        while (!subscriber.closed && jobs[0]?.result !== undefined) {
          const { result, release } = jobs.shift() as Done;
          begun--;
          try {
            subscriber.next(result);
          } finally {
            release();
          }
        }
        while (!subscriber.closed && begun < concurrency && begun < jobs.length) void begin(jobs[begun++] as Job);
        if (completed && jobs.length === 0) subscriber.complete();
      };

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
