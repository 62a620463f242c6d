/** The rows of a stage as they are read: its sources, mixed, through its steps. Runs in any thread. */
import type { RecordBatch, Schema } from 'apache-arrow';
import { filter, type Observable, skip as skipFirst, tap } from 'rxjs';
import { batchBytes } from '../batch/bytes.js';
import { cacheFolder } from '../cache-folder.js';
import { AlignflowError } from '../errors.js';
import { type OperatorAccount, openAccount } from '../graph/account.js';
import type { MemoryBudget } from '../graph/budget.js';
import { chain, type DroppedRow, type Step } from '../graph/chain.js';
import { createKeptUnits } from '../graph/kept-units.js';
import { BY_WEIGHT, type Mixing, mix } from '../graph/mix.js';
import { createReadAhead, READ_AHEAD } from '../graph/read-ahead.js';
import {
  type ConfiguredSource,
  fromBatches,
  listUnits,
  NeedsAllRows,
  type RowChoice,
  readUnits,
} from '../graph/read-source.js';
import { createReserve, type Reserve } from '../graph/reserve.js';
import type { PlannedStep } from '../plan/plan.js';
import type { WorkerPool } from '../pool/worker-pool.js';
import type { SourceContext, Unit } from '../source.js';
import type { RowsProgress } from './progress.js';
import { deriveSeed } from './random.js';
import { watchEpochs } from './watch-epochs.js';
import { watchSteps } from './watch-steps.js';

/** A source of a stage and its share of the rows. */
export interface WeightedSource extends ConfiguredSource {
  readonly weight: number;
  /** URL of the module that it was loaded from. */
  readonly module: string;
}

/** A step, with the bytes that it keeps, the URL of the module that it was loaded from and the hash of its code. */
export type LoadedStep = Step & Pick<PlannedStep, 'holds' | 'module' | 'code'>;

/** What is read, and through which steps. */
export interface Reading {
  readonly stage: string;
  readonly seed: number;
  /** The stage's folder. */
  readonly folder: string;
  /** Folder of the manifest. */
  readonly base: string;
  readonly sources: readonly WeightedSource[];
  /** The columns of all sources. */
  readonly schema: Schema;
  /** Whether an earlier stage may have kept no row for it: true where rows are only passed on, nothing is learnt from them. */
  readonly mayBeEmpty: boolean;
  /** By weight unless it is given. */
  readonly mixing?: Mixing;
  readonly steps: readonly LoadedStep[];
  /** Column that names a row, for the ledger. */
  readonly key?: string;
  /** Chooses the rows that are read, of these units. */
  readonly choose?: (units: readonly Unit[]) => RowChoice;
}

/** What reading needs of the run. */
export interface ReadingEnvironment {
  readonly budget: MemoryBudget;
  readonly signal: AbortSignal;
  /** Ends a single reading with the signal's reason, once its progress is saved. */
  readonly stopping?: AbortSignal;
  /** A row that its source could not read has no `values`. */
  readonly drop: (row: DroppedRow, values?: () => RecordBatch) => void;
  /** What takes the rows that a step drops; see `ChainContext`. */
  readonly rejects?: ReadonlyMap<string, (rows: RecordBatch) => void>;
  /** Where heavy operators run; see `ChainContext`. */
  readonly pool?: WorkerPool;
  /** What a single reading of a single source goes on from, and saves between two units. */
  readonly progress?: RowsProgress;
  /** Told the number of each unit of a single reading once all of its rows have come to their end: then nothing is held. */
  readonly unitDone?: (unit: number) => void;
  /** Resolves when the ledger can take more rows. */
  readonly room: () => Promise<void>;
  readonly note: (text: string) => void;
  /** Told once for each reading, before its first row: the units that origins point to. */
  readonly units: (units: readonly Unit[]) => void;
}

/** Looks at what becomes of rows. */
export interface RowsWatch {
  /** Rows that go into the sink of a stage, or of a branch of one, with their origins. */
  readonly written: (scope: string, rows: RecordBatch) => void;
  readonly dropped: (row: DroppedRow) => void;
}

/** How rows are read; see `StageContext.rows`. */
export interface RowsOptions {
  readonly repeat?: boolean;
  readonly skip?: number;
  readonly rehearsal?: boolean;
}

/** Rows on their way, with the accounts of all that they pass, the source first. */
export interface RowsRead {
  readonly accounts: readonly OperatorAccount[];
  readonly batches: Observable<RecordBatch>;
}

/** The share of the memory in which rows that are read again and again stay, decoded, as far as they fit. */
const KEPT = 1 / 8;

/** Opens the rows of a stage. Nothing is read before `batches` is subscribed to, which can be done once. No batch is empty. */
export function readRows(reading: Reading, environment: ReadingEnvironment, options: RowsOptions): RowsRead {
  const { stage, sources, steps, folder } = reading;
  const { budget, signal } = environment;
  const repeat = options.repeat === true;
  const counted = options.rehearsal !== true;
  const progress = counted && !repeat ? environment.progress : undefined;
  const account = openAccount(sources.map(({ source }) => source.name).join(' + '), stage, progress);
  const units: Unit[] = [];
  const epochs = watchEpochs(reading);
  const drop: ReadingEnvironment['drop'] = (row, values) => {
    if (repeat) epochs.drops(row);
    if (counted) environment.drop(row, values);
  };
  const { rejects, pool } = environment;
  const branched = counted && rejects !== undefined ? { rejects } : {};
  const named = reading.key === undefined ? {} : { key: reading.key };
  const helped = { ...(pool === undefined ? {} : { pool }), ...(progress === undefined ? {} : { progress }) };
  const linked = chain(steps, { stage, signal, budget, folder, units, drop, ...named, ...branched, ...helped });
  const endUnit = async (next: number): Promise<void> => {
    if (counted && environment.unitDone !== undefined) {
      await budget.room(1);
      environment.unitDone(next - 1);
    }
    if (progress === undefined) return;
    const stopping = () => environment.stopping?.aborted === true;
    while (!stopping() && progress.inWork > ahead.mostRows()) await budget.released();
    const stop = stopping();
    if (!progress.due && !stop) return;
    // Until nothing is held: then every row that was read has come to its end.
    await budget.room(1);
    await progress.save(next);
    if (stop) environment.stopping?.throwIfAborted();
  };
  const between = async (next: number): Promise<void> => {
    const since = performance.now();
    await endUnit(next);
    // The source was asked for its next rows all the while, but did not read.
    const waited = (performance.now() - since) / 1000;
    account.seconds -= waited;
    account.waiting += waited;
  };
  const accounts = [account, ...linked.accounts];

  const choices = new Map<WeightedSource, RowChoice | undefined>();

  /** Reads all sources as one, with the origins of each set apart. */
  async function* batches(): AsyncGenerator<RecordBatch> {
    const kept = steps.reduce((sum, { holds }) => sum + holds, 0);
    const reserves = sources.map(() => createReserve(budget, kept));
    try {
      yield* mixed(reserves);
    } finally {
      for (const { release } of reserves) release();
    }
  }

  async function* mixed(reserves: readonly Reserve[]): AsyncGenerator<RecordBatch> {
    const shares = [];
    const keep = createKeptUnits(budget.limit * KEPT);
    for (const [i, weighted] of sources.entries()) {
      for (const watch of watches) watch.sourceFrom(units.length);
      const seed = deriveSeed(reading.seed, 'source', i);
      const context = sourceContext(reading, environment, {
        weighted,
        account,
        counted,
        seed,
        units,
        reserve: reserves[i]!.ask,
        choice: () => choices.get(weighted),
      });
      const own = await listUnits(weighted, context, { mayBeEmpty: counted && reading.mayBeEmpty });
      const only = reading.choose?.(own);
      choices.set(weighted, only);
      if (!counted && only?.sample === false) throw new NeedsAllRows();
      shares.push({
        batches: readUnits(weighted, own, context, {
          repeat,
          schema: reading.schema,
          firstUnit: units.length,
          keep,
          from: progress?.next ?? 0,
          ...(only === undefined ? {} : { only }),
          between,
        }),
        weight: weighted.weight,
      });
      units.push(...own);
    }
    environment.units(units);
    yield* shares.length === 1 ? shares[0]!.batches : mix(shares, reading.mixing ?? BY_WEIGHT);
  }

  const ahead = createReadAhead(budget);
  const room = async (): Promise<void> => {
    await Promise.all([budget.room(repeat ? Math.min(budget.limit, READ_AHEAD) : ahead.below()), environment.room()]);
    if (!repeat) await ahead.collected();
  };
  const watches = repeat ? [watchSteps(reading, budget, accounts), epochs] : [];
  return {
    accounts,
    batches: fromBatches(batches, room, account).pipe(
      tap((batch) => {
        account.rowsIn += batch.numRows;
        account.rowsOut += batch.numRows;
        const bytes = batchBytes(batch);
        account.bytes += bytes;
        ahead.read({ bytes, rows: batch.numRows });
        for (const watch of watches) watch.goesIn(batch);
      }),
      linked.run,
      filter((batch) => batch.numRows > 0),
      tap((batch) => {
        for (const watch of watches) watch.comesOut(batch);
      }),
      skipFirst(options.skip ?? 0),
    ),
  };
}

function sourceContext(
  { stage, base }: Reading,
  { signal, drop, note }: ReadingEnvironment,
  {
    weighted: { source },
    account,
    counted,
    seed,
    units,
    reserve,
    choice,
  }: {
    weighted: WeightedSource;
    account: OperatorAccount;
    counted: boolean;
    seed: number;
    units: readonly Unit[];
    reserve: SourceContext['reserve'];
    /** What of it is read, once that is known. */
    choice: () => RowChoice | undefined;
  },
): SourceContext {
  let last = 0;
  const same = (one: Unit | undefined, other: Unit) => one?.file === other.file && one.rowGroup === other.rowGroup;
  const placeOf = (unit: Unit): number => {
    if (!same(units[last], unit))
      last = Math.max(
        0,
        units.findIndex((one) => same(one, unit)),
      );
    return last;
  };
  return {
    stage,
    base,
    seed,
    signal,
    cache: cacheFolder(),
    note,
    reserve,
    drop(unit, row, reason, detail) {
      if (!source.drops.includes(reason))
        throw new AlignflowError({ what: `the source dropped a row as "${reason}", which it did not declare` });
      const only = choice();
      if (!counted || (only !== undefined && !(only.sample && only.in(unit)?.has(row)))) return;
      account.rowsIn++;
      account.dropped.set(reason, (account.dropped.get(reason) ?? 0) + 1);
      drop({
        stage,
        operator: source.name,
        reason,
        ...(detail === undefined ? {} : { detail }),
        unit: placeOf(unit),
        file: unit.file,
        ...(unit.rowGroup === undefined ? {} : { rowGroup: unit.rowGroup }),
        row,
        epoch: 0,
      });
    },
  };
}
