/** The rows of one stage while it runs: its sources, its steps, its sink, and the account of each. */
import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { RecordBatch, Schema } from 'apache-arrow';
import { defer, filter, map, type Observable, type OperatorFunction, skip as skipFirst, tap } from 'rxjs';
import { batchBytes } from '../batch/bytes.js';
import { originOf } from '../batch/origin.js';
import { cacheFolder } from '../cache-folder.js';
import { AlignflowError } from '../errors.js';
import { createAccount, type OperatorAccount } from '../graph/account.js';
import type { MemoryBudget } from '../graph/budget.js';
import { chain, type DroppedRow, type Step } from '../graph/chain.js';
import { mix } from '../graph/mix.js';
import { type ConfiguredSource, fromBatches, listUnits, readUnits } from '../graph/read-source.js';
import type { Progress } from '../metrics.js';
import type { PlannedSink, PlannedStage } from '../plan/plan.js';
import type { Shard } from '../sink.js';
import type { SourceContext, Unit } from '../source.js';
import { deriveSeed } from './random.js';
import { type Writing, writeRows } from './write-rows.js';

/** A source of a stage and its share of the rows. */
export interface WeightedSource extends ConfiguredSource {
  readonly weight: number;
}

/** What the rows of a stage need from the run. */
export interface RowsEnvironment {
  readonly stage: PlannedStage;
  /** Folder of the manifest. */
  readonly base: string;
  readonly sources: readonly WeightedSource[];
  readonly budget: MemoryBudget;
  readonly signal: AbortSignal;
  /** A row that its source could not read has no `values`. */
  readonly drop: (row: DroppedRow, values?: () => RecordBatch) => void;
  /** Resolves when the ledger can take more rows. */
  readonly room: () => Promise<void>;
  readonly note: (text: string) => void;
}

/** How rows are read; see `StageContext.rows`. */
export interface RowsOptions {
  readonly repeat?: boolean;
  readonly skip?: number;
  readonly rehearsal?: boolean;
}

/** A trainer takes a batch at a time, so its rows are read ahead by this many bytes at most, not by the whole budget. */
const READ_AHEAD = 32_000_000;

/** The rows of a stage, and the accounts of all that they pass, the source first. */
export interface StageRows {
  readonly accounts: readonly OperatorAccount[];
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
export function openRows(environment: RowsEnvironment): StageRows {
  const { stage, sources, budget, signal } = environment;
  // In the order of the rows, which is not the order in which they are opened: the sink first, the source last.
  const accounts: { readonly read: OperatorAccount[]; readonly through: OperatorAccount[]; written?: OperatorAccount } =
    {
      read: [],
      through: [],
    };
  const units: Unit[] = [];
  let expected: number | undefined;
  let ended = false;
  let written: { readonly writing: Writing; readonly folder: string } | undefined;

  const chained = (steps: readonly Step[], counted: boolean) => {
    const drop = counted ? environment.drop : () => undefined;
    return chain(steps, { stage: stage.name, signal, budget, folder: stage.folder, units, drop });
  };

  /** Reads all sources as one, with the origins of each set apart. */
  async function* batches(options: RowsOptions, account: OperatorAccount): AsyncGenerator<RecordBatch> {
    const repeat = options.repeat === true;
    units.length = 0;
    const shares = [];
    for (const [i, weighted] of sources.entries()) {
      const context = sourceContext(
        environment,
        weighted,
        account,
        options.rehearsal !== true,
        deriveSeed(stage.seed, 'source', i),
      );
      const own = await listUnits(weighted, context);
      const reading = { repeat, firstUnit: units.length };
      units.push(...own);
      shares.push({ batches: readUnits(weighted, own, context, reading), weight: weighted.weight });
    }
    const rows = units.reduce<number | undefined>(
      (sum, unit) => (unit.rows === undefined || sum === undefined ? undefined : sum + unit.rows),
      0,
    );
    expected = repeat ? undefined : rows;
    yield* shares.length === 1 ? shares[0]!.batches : mix(shares);
  }

  return {
    get accounts() {
      const { read, through, written } = accounts;
      return [...read, ...through, ...(written === undefined ? [] : [written])];
    },
    get ended() {
      return ended;
    },
    get shards() {
      if (written === undefined) return [];
      const { writing, folder } = written;
      return writing.shards.map((shard) => ({ ...shard, file: join(folder, shard.file) }));
    },
    rows(options = {}) {
      return defer(() => {
        const account = createAccount(sources.map(({ source }) => source.name).join(' + '));
        const counted = options.rehearsal !== true;
        const steps = chained(stage.steps, counted);
        if (counted) accounts.read.push(account, ...steps.accounts);
        const below = options.repeat === true ? Math.min(budget.limit, READ_AHEAD) : budget.limit;
        const room = () => Promise.all([budget.room(below), environment.room()]);
        const watch = watchSteps(stage, budget, [account, ...steps.accounts]);
        return fromBatches(() => batches(options, account), room).pipe(
          tap((batch) => {
            account.rowsIn += batch.numRows;
            account.rowsOut += batch.numRows;
            if (options.repeat === true) watch.goesIn(batch);
          }),
          steps.run,
          filter((batch) => batch.numRows > 0),
          tap(() => watch.comesOut()),
          tap({
            complete: () => {
              ended = counted;
            },
          }),
          skipFirst(options.skip ?? 0),
        );
      });
    },
    through(step, { counted }) {
      const linked = chained([step], counted);
      if (counted) accounts.through.push(...linked.accounts);
      return linked.run;
    },
    write(rows, { sink, options, use }, schema, folder) {
      const account = createAccount(use);
      const open = async () => {
        await mkdir(folder, { recursive: true });
        return sink.open(options, { stage: stage.name, folder, schema, signal });
      };
      const writing = writeRows(rows, open, { budget, account });
      accounts.written = account;
      written = { writing, folder: relative(stage.folder, folder) };
      return writing.batches.pipe(
        map(
          (): Progress => ({
            kind: 'progress',
            done: accounts.read[0]?.rowsIn ?? account.rowsOut,
            ...(expected === undefined ? {} : { total: expected }),
            unit: 'rows',
          }),
        ),
      );
    },
    async settled() {
      await written?.writing.settled();
    },
  };
}

/**
 * Finds steps that swallow an endless source: no batch has come out of them, though they were given all rows twice and more
 * bytes than they may hold.
 */
function watchSteps({ name, steps }: PlannedStage, { limit }: MemoryBudget, accounts: readonly OperatorAccount[]) {
  const most = steps.reduce((sum, { holds }) => sum + holds, limit);
  let bytes = 0;
  return {
    goesIn(batch: RecordBatch): void {
      bytes += batchBytes(batch);
      const epoch = originOf(batch, 0)?.epoch ?? 0;
      if (bytes <= most || epoch < 2) return;
      throw new AlignflowError({
        what: `no batch comes out of the steps, though all rows went in ${epoch} times: ${accounts
          .map(({ operator, rowsOut }) => `${operator} gave ${rowsOut} rows`)
          .join(', ')}`,
        where: { stage: name },
        expected: 'steps that let some rows of each epoch through',
        fix: 'loosen its filters, or take fewer `rows` in order/batch than there are different values of `distinct`',
      });
    },
    comesOut(): void {
      bytes = 0;
    },
  };
}

function sourceContext(
  { stage, base, signal, drop, note }: RowsEnvironment,
  { source }: WeightedSource,
  account: OperatorAccount,
  counted: boolean,
  seed: number,
): SourceContext {
  return {
    stage: stage.name,
    base,
    seed,
    signal,
    cache: cacheFolder(),
    note,
    drop(unit, row, reason, detail) {
      if (!counted) return;
      account.rowsIn++;
      account.dropped.set(reason, (account.dropped.get(reason) ?? 0) + 1);
      drop({
        stage: stage.name,
        operator: source.name,
        reason,
        ...(detail === undefined ? {} : { detail }),
        file: unit.file,
        ...(unit.rowGroup === undefined ? {} : { rowGroup: unit.rowGroup }),
        row,
        epoch: 0,
      });
    },
  };
}
