import { mkdir } from 'node:fs/promises';
import type { RecordBatch } from 'apache-arrow';
import { concat, concatMap, defer, finalize, ignoreElements, map, mergeMap, type Observable, tap } from 'rxjs';
import { batchBytes } from '../batch/bytes.js';
import { withoutOrigin } from '../batch/origin.js';
import { AlignflowError, reasonOf } from '../errors.js';
import type { OperatorAccount } from '../graph/account.js';
import { followActivity } from '../graph/activity.js';
import type { MemoryBudget } from '../graph/budget.js';
import type { PlannedSink } from '../plan/plan.js';
import type { Shard, SinkContext, SinkWriter } from '../sink.js';
import type { RowsProgress } from './progress.js';

/** Rows on their way into a sink. */
export interface Writing {
  /** Writes when it is subscribed to, and emits after each batch. Completes when all is committed. */
  readonly batches: Observable<void>;
  /** What was committed, once it is complete. */
  readonly shards: readonly Shard[];
  /** Resolves when nothing is under way any more, after an error or an unsubscription too. */
  settled(): Promise<void>;
}

/** Opens a sink in its folder, which is made; it goes on with what an interrupted run left. */
export async function openSink(
  { sink, options }: Pick<PlannedSink, 'sink' | 'options'>,
  context: SinkContext,
  progress: RowsProgress | undefined,
): Promise<SinkWriter> {
  await mkdir(context.folder, { recursive: true });
  const suspended = progress?.suspended(context.stage);
  const opening = sink.open(options, { ...context, ...(suspended === undefined ? {} : { suspended }) });
  const writer = await opening.catch((error: unknown) => {
    throw suspended === undefined ? error : cannotGoOn(context.folder, error);
  });
  progress?.writer(context.stage, writer);
  return writer;
}

function cannotGoOn(folder: string, cause: unknown): AlignflowError {
  return new AlignflowError({
    what: `the stage cannot go on where it was interrupted: ${reasonOf(cause)}`,
    where: { file: folder },
    expected: 'the files that the interrupted run left there',
    fix: "remove the stage's folder, or put the files back: without it, the stage starts over",
    cause,
  });
}

/**
 * Writes batches through a sink, one after the other; each counts in the budget until it is written. When the stream ends
 * before its time, the sink is told to leave nothing behind, once it has done what it was doing.
 */
export function writeRows(
  rows: Observable<RecordBatch>,
  open: () => Promise<SinkWriter>,
  { budget: shared, account }: { readonly budget: MemoryBudget; readonly account: OperatorAccount },
): Writing {
  const { budget } = followActivity(account, shared);
  let shards: readonly Shard[] = [];
  let underway: Promise<unknown> = Promise.resolve();
  const begin = <T>(work: Promise<T>): Promise<T> => {
    underway = work.catch(() => undefined);
    return work;
  };
  const writeOne = async (writer: SinkWriter, batch: RecordBatch): Promise<void> => {
    await writer.write(withoutOrigin(batch));
    account.rowsOut += batch.numRows;
    account.bytes += batchBytes(batch);
  };
  const through = (writer: SinkWriter): Observable<void> => {
    const held = new Set<() => void>();
    const leave = budget.open(1);
    let committed = false;
    const written = rows.pipe(
      map((batch) => {
        account.rowsIn += batch.numRows;
        const release = budget.hold(batchBytes(batch));
        held.add(release);
        return { batch, release };
      }),
      concatMap(async ({ batch, release }) => {
        await begin(writeOne(writer, batch));
        held.delete(release);
        release();
      }),
    );
    const close = (): Promise<readonly Shard[]> => begin(writer.close().finally(budget.hold(0)));
    const commit = defer(close).pipe(
      tap((files) => {
        shards = files;
        committed = true;
      }),
      ignoreElements(),
    );
    return concat(written, commit).pipe(
      finalize(() => {
        leave();
        for (const release of held) release();
        if (!committed) begin(underway.then(() => writer.abort())).catch(() => undefined);
      }),
    );
  };
  return {
    batches: defer(() => begin(open())).pipe(mergeMap(through)),
    get shards() {
      return shards;
    },
    async settled() {
      await underway;
    },
  };
}
