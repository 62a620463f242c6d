/** The branches of a stage while it runs: further steps and a sink for rows that it drops, or for those that it writes. */
import { join, relative } from 'node:path';
import type { RecordBatch, Schema } from 'apache-arrow';
import { ignoreElements, merge, type Observable, Subject, tap } from 'rxjs';
import { batchBytes } from '../batch/bytes.js';
import { schemaDifference } from '../batch/equal.js';
import { withoutOrigin } from '../batch/origin.js';
import { AlignflowError } from '../errors.js';
import { type OperatorAccount, openAccount } from '../graph/account.js';
import { type ChainContext, chain } from '../graph/chain.js';
import { branchName } from '../manifest/names.js';
import type { PlannedBranch } from '../plan/plan.js';
import type { Shard, SinkWriter } from '../sink.js';
import type { RowsProgress } from './progress.js';
import type { RowsWatch } from './read-rows.js';
import { openSink, writeRows } from './write-rows.js';

/** One branch, as the report and the sums see it: its accounts begin with the rows that it was given. */
export interface BranchAccounts {
  readonly name: string;
  readonly accounts: readonly OperatorAccount[];
}

/** The branches of a stage. */
export interface StageBranches {
  /** By the label of a step: takes the rows that it drops. */
  readonly rejects: ReadonlyMap<string, (rows: RecordBatch) => void>;
  readonly accounts: readonly BranchAccounts[];
  /** Shards that their sinks committed, relative to the stage's folder. */
  readonly shards: readonly Shard[];
  /** Resolves when all sinks are open: a branch takes no rows before. */
  open(): Promise<void>;
  /** Feeds the branches with the rows that the stage writes, and ends them with those. */
  feed(written: Observable<RecordBatch>): Observable<RecordBatch>;
  /** Writes the rows of all branches. Completes, without a value, when all is committed. */
  readonly writing: Observable<never>;
  settled(): Promise<void>;
}

/** As the stage's own steps have it. */
export type BranchContext = Omit<ChainContext, 'rejects' | 'progress'> & {
  readonly progress?: RowsProgress;
  readonly watch?: Pick<RowsWatch, 'written'>;
};

/** Opens the branches of a stage. Nothing happens before `writing` is subscribed to, which comes before the first row. */
export function openBranches(branches: readonly PlannedBranch[], context: BranchContext): StageBranches {
  const opened = branches.map((branch) => openBranch(branch, context));
  const rejects = new Map<string, (rows: RecordBatch) => void>();
  for (const { branch, take } of opened) for (const label of branch.rejectedBy) rejects.set(label, take);
  const ofWritten = opened.filter(({ branch }) => branch.rejectedBy.length === 0);
  return {
    rejects,
    accounts: opened.map(({ branch, accounts }) => ({ name: branch.name, accounts })),
    get shards() {
      return opened.flatMap(({ shards }) => shards());
    },
    open: async () => void (await Promise.all(opened.map(({ open }) => open()))),
    feed: (written) =>
      written.pipe(
        tap({
          next: (batch) => {
            for (const { take } of ofWritten) take(batch);
          },
          complete: () => {
            for (const { end } of opened) end();
          },
        }),
      ),
    writing: merge(...opened.map(({ writing }) => writing)).pipe(ignoreElements()),
    settled: async () => void (await Promise.all(opened.map(({ settled }) => settled()))),
  };
}

function openBranch(branch: PlannedBranch, context: BranchContext) {
  const { name, folder, steps, sink, output, input } = branch;
  const stage = branchName(context.stage, name);
  const rows = new Subject<RecordBatch>();
  const { progress } = context;
  const given = openAccount('rows of the stage', stage, progress);
  const linked = chain(steps, { ...context, stage, folder });
  const written = openAccount(sink.use, stage, progress);
  let writer: Promise<SinkWriter> | undefined;
  const open = () => {
    writer ??= openSink(sink, { stage, folder, schema: output, signal: context.signal }, progress);
    return writer;
  };
  const watched = tap<RecordBatch>((batch) => context.watch?.written(stage, batch));
  const writing = writeRows(rows.pipe(linked.run, watched), open, { budget: context.budget, account: written });
  let known: Schema | undefined;
  return {
    branch,
    accounts: [given, ...linked.accounts, written],
    shards: () =>
      writing.shards.map((shard) => ({ ...shard, file: join(relative(context.folder, folder), shard.file) })),
    open,
    writing: writing.batches,
    settled: () => writing.settled(),
    end: () => rows.complete(),
    take(batch: RecordBatch): void {
      if (batch.numRows === 0) return;
      if (batch.schema !== known) {
        const difference = schemaDifference(withoutOrigin(batch).schema, input);
        if (difference !== undefined) throw otherRows(stage, branch, difference);
        known = batch.schema;
      }
      given.rowsIn += batch.numRows;
      given.rowsOut += batch.numRows;
      given.bytes += batchBytes(batch);
      rows.next(batch);
    },
  };
}

function otherRows(stage: string, { rejectedBy }: PlannedBranch, difference: string): AlignflowError {
  return new AlignflowError({
    what: `the branch was given other rows than planned: ${difference}`,
    where: { stage, ...(rejectedBy.length === 0 ? {} : { operator: rejectedBy.join(' or ') }) },
    expected: 'an operator that gives context.drop the batch that came in, as it is',
  });
}
