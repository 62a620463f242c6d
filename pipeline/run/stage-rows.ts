/** The rows of one stage while it runs: what is read, what stands behind its steps, its sink, and the account of each. */
import { join, relative } from 'node:path';
import type { RecordBatch, Schema } from 'apache-arrow';
import { defer, map, merge, type Observable, type OperatorFunction, tap } from 'rxjs';
import { type OperatorAccount, openAccount } from '../graph/account.js';
import { chain, type Step } from '../graph/chain.js';
import type { Progress } from '../metrics.js';
import type { PlannedBranch, PlannedSink } from '../plan/plan.js';
import type { Shard } from '../sink.js';
import { totalRows, type Unit } from '../source.js';
import { type Reading, type ReadingEnvironment, type RowsOptions, type RowsWatch, readRows } from './read-rows.js';
import { type RowsThread, readRowsInThread } from './rows-thread.js';
import { type BranchAccounts, openBranches } from './stage-branches.js';
import { openSink, type Writing, writeRows } from './write-rows.js';

/** What the rows of a stage need of the run. */
export interface RowsEnvironment extends Omit<ReadingEnvironment, 'units' | 'rejects'> {
  readonly units?: ReadingEnvironment['units'];
  readonly watch?: RowsWatch;
  readonly reading: Reading;
  readonly branches: readonly PlannedBranch[];
  /** Reads the endless rows of training. This thread reads them where it is left out. */
  readonly rowsThread?: RowsThread;
}

/** The rows of a stage, and the accounts of all that they pass, the source first. */
export interface StageRows {
  readonly accounts: readonly OperatorAccount[];
  readonly branches: readonly BranchAccounts[];
  /** Whether the rows were read to their end, so that the sums of all accounts must hold. */
  readonly ended: boolean;
  /** Shards that the sink committed, relative to the stage's folder. */
  readonly shards: readonly Shard[];
  rows(options?: RowsOptions): Observable<RecordBatch>;
  through(step: Step, options: { readonly counted: boolean }): OperatorFunction<RecordBatch, RecordBatch>;
  write(rows: Observable<RecordBatch>, sink: PlannedSink, schema: Schema, folder: string): Observable<Progress>;
  /** Resolves when the sink does nothing any more. */
  settled(): Promise<void>;
}

/** Opens the rows of a stage. Nothing is read before `rows` is subscribed to. */
export function openRows({ reading, rowsThread, branches: planned, ...environment }: RowsEnvironment): StageRows {
  const { budget, signal } = environment;
  // In the order of the rows, which is not the order in which they are opened: the sink first, the source last.
  const accounts: { readonly read: OperatorAccount[]; readonly through: OperatorAccount[]; written?: OperatorAccount } =
    {
      read: [],
      through: [],
    };
  const units: Unit[] = [];
  let total: number | undefined;
  let ended = false;
  let written: { readonly writing: Writing; readonly folder: string } | undefined;
  const { stage, folder: stageFolder } = reading;
  const { drop, pool, progress, watch } = environment;
  const goingOn = progress === undefined ? {} : { progress };
  const named = reading.key === undefined ? {} : { key: reading.key };
  const chained = {
    stage,
    signal,
    budget,
    folder: stageFolder,
    units,
    ...named,
    ...(pool === undefined ? {} : { pool }),
  };
  const branches = openBranches(planned, { ...chained, ...goingOn, drop, ...(watch === undefined ? {} : { watch }) });
  const toRead: ReadingEnvironment = {
    ...environment,
    rejects: branches.rejects,
    units: (listed) => {
      units.length = 0;
      for (const unit of listed) units.push(unit);
      total = reading.choose === undefined ? totalRows(units) : undefined;
      environment.units?.(units);
    },
  };

  return {
    get accounts() {
      const { read, through, written } = accounts;
      return [...read, ...through, ...(written === undefined ? [] : [written])];
    },
    branches: branches.accounts,
    get ended() {
      return ended;
    },
    get shards() {
      if (written === undefined) return [];
      const { writing, folder } = written;
      return [...writing.shards.map((shard) => ({ ...shard, file: join(folder, shard.file) })), ...branches.shards];
    },
    rows(options = {}) {
      return defer(() => {
        const counted = options.rehearsal !== true;
        const inThread = options.repeat === true && rowsThread !== undefined;
        const opened = inThread
          ? readRowsInThread(reading, toRead, options, rowsThread)
          : readRows(reading, toRead, options);
        if (counted) accounts.read.push(...opened.accounts);
        return opened.batches.pipe(
          tap({
            complete: () => {
              ended = counted;
            },
          }),
        );
      });
    },
    through(step, { counted }) {
      const dropped = counted ? drop : () => undefined;
      const linked = chain([step], { ...chained, ...(counted ? goingOn : {}), drop: dropped });
      if (counted) accounts.through.push(...linked.accounts);
      return linked.run;
    },
    write(rows, sink, schema, folder) {
      const account = openAccount(sink.use, stage, progress);
      const open = async () => {
        await branches.open();
        return openSink(sink, { stage, folder, schema, signal }, progress);
      };
      const watched = rows.pipe(tap((batch) => watch?.written(stage, batch)));
      const writing = writeRows(branches.feed(watched), open, { budget, account });
      accounts.written = account;
      written = { writing, folder: relative(stageFolder, folder) };
      const done = writing.batches.pipe(
        map(
          (): Progress => ({
            kind: 'progress',
            done: accounts.read[0]?.rowsIn ?? account.rowsOut,
            ...(total === undefined ? {} : { total }),
            unit: 'rows',
          }),
        ),
      );
      return merge(branches.writing, done);
    },
    async settled() {
      await Promise.all([written?.writing.settled(), branches.settled()]);
    },
  };
}
