import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { Schema } from 'apache-arrow';
import { lastValueFrom, tap } from 'rxjs';
import { AlignflowError, placeError } from '../errors.js';
import { droppedRows, type OperatorAccount } from '../graph/account.js';
import type { MemoryBudget } from '../graph/budget.js';
import { NeedsAllRows } from '../graph/read-source.js';
import { unlessStalled } from '../graph/unless-stalled.js';
import { untilAborted } from '../graph/until-aborted.js';
import { branchName } from '../manifest/names.js';
import type { StageEvent } from '../metrics.js';
import type { Operator } from '../operator.js';
import type { Options, PlannedStage } from '../plan/plan.js';
import { BRANCHES } from '../plan/plan-branches.js';
import type { WorkerPool } from '../pool/worker-pool.js';
import type { Unit } from '../source.js';
import type { StageContext } from '../stage.js';
import { writeFailure } from './atomic-file.js';
import { collectExamples, type DrawRow } from './dropped-examples.js';
import type { OperatorCounts, OperatorsEvent } from './events.js';
import { checkGates, gateFailure } from './gates.js';
import { hashFile } from './hash-file.js';
import { openLedger } from './ledger.js';
import { openMetricsTable } from './metrics-table.js';
import { openProgress } from './progress.js';
import { deriveSeed } from './random.js';
import type { Reading, RowsWatch, WeightedSource } from './read-rows.js';
import type { StageReport } from './report.js';
import type { RowsThread } from './rows-thread.js';
import { readProgress } from './saved-progress.js';
import { CHECKPOINTS } from './stage-folder.js';
import type { StageFile, StageRecord } from './stage-record.js';
import { collectReport } from './stage-report.js';
import { openRows, type StageRows } from './stage-rows.js';
import { checkSums } from './sums.js';

/** What a stage needs of the run. */
export interface StageEnvironment {
  readonly base: string;
  /** Column that names a row, for the ledger. */
  readonly key?: string;
  readonly sources: readonly WeightedSource[];
  readonly budget: MemoryBudget;
  readonly signal: AbortSignal;
  /** Asks the stage to end where it can go on, with the signal's reason. */
  readonly stopping: AbortSignal;
  readonly emit: (event: StageEvent) => void;
  /** Told now and then where the rows are. */
  readonly tellOperators?: (counts: Pick<OperatorsEvent, 'held' | 'operators'>) => void;
  /** Draws dropped rows for the report, which shows them without pictures where there is none. */
  readonly draw?: DrawRow;
  /** Where heavy operators run, and where the rows of training are read; this thread does both without them. */
  readonly pool?: WorkerPool;
  readonly rowsThread?: RowsThread;
  /** Chooses the rows that are read; all unless it is given. */
  readonly choose?: Reading['choose'];
  /** Told of all that the stage's sources have to read. */
  readonly units?: (units: readonly Unit[]) => void;
  /** Told of each unit whose rows have all come to their end, with the accounts then. */
  readonly unitDone?: (unit: number, accounts: StageRows) => void;
  /** Shown what becomes of the rows. */
  readonly watch?: RowsWatch;
  /** See `RunOptions.saveEvery`. */
  readonly saveEvery?: number;
}

/** How a stage ended. */
export interface StageOutcome {
  readonly record: StageRecord;
  /** The gates that it missed: it is not complete then. */
  readonly failure?: AlignflowError;
}

/** Rows are written into this folder of a stage. */
export const ROWS = 'rows';
/** The dropped rows of a stage are in this file of it. */
export const LEDGER = 'ledger.parquet';

/**
 * Runs one stage in its folder: its rows through its steps, its own work, its ledger and metrics tables. Resolves with
 * the record that marks it as complete, once the sums hold, and with the gates that it misses.
 */
export async function runStage(stage: PlannedStage, environment: StageEnvironment): Promise<StageOutcome> {
  const startedAt = performance.now();
  const { signal, budget, emit, draw, unitDone } = environment;
  const left = await readProgress(join(stage.folder, CHECKPOINTS));
  if (left.damaged !== undefined) await rm(left.folder, { recursive: true });
  const ledger = await openLedger(join(stage.folder, LEDGER), left.ledger);
  const metrics = await openMetricsTable(join(stage.folder, 'metrics.parquet'));
  const report = collectReport(stage);
  const examples = collectExamples(stage.seed, { signal, budget }, draw);
  if (left.saved !== undefined) examples.restore(left.saved.examples);
  const progress = goesOn(stage)
    ? await openProgress(left, { ledger, examples, every: environment.saveEvery ?? SAVE_EVERY })
    : undefined;
  let toldAt = Number.NEGATIVE_INFINITY;
  const tell = () => {
    if (environment.tellOperators === undefined || performance.now() - toldAt < TELL_EVERY) return;
    const { accounts } = rows;
    if (accounts.length === 0) return;
    toldAt = performance.now();
    environment.tellOperators({ held: budget.held, operators: accounts.map(countsOf) });
  };
  const take = (event: StageEvent) => {
    if (event.kind === 'step')
      for (const [name, value] of Object.entries(event.values))
        metrics.append({ step: event.step, metric: name, value });
    report.take(event);
    emit(event);
    tell();
  };
  const rows = openRows({
    reading: {
      stage: stage.name,
      seed: stage.seed,
      folder: stage.folder,
      base: environment.base,
      sources: environment.sources,
      schema: stage.rows?.schema ?? new Schema([]),
      mayBeEmpty: stage.stage.passesRows,
      ...(stage.rows?.mixing === undefined ? {} : { mixing: stage.rows.mixing }),
      steps: stage.steps,
      ...(environment.key === undefined ? {} : { key: environment.key }),
      ...(environment.choose === undefined ? {} : { choose: environment.choose }),
    },
    ...(environment.pool === undefined ? {} : { pool: environment.pool }),
    ...(progress === undefined ? {} : { progress }),
    ...(environment.rowsThread === undefined ? {} : { rowsThread: environment.rowsThread }),
    branches: stage.branches,
    budget,
    signal,
    stopping: environment.stopping,
    drop: (row, values) => {
      ledger.append(row);
      environment.watch?.dropped(row);
      if (row.stage === stage.name) examples.add(row, values);
    },
    room: () => ledger.room(),
    note: (text) => take({ kind: 'note', text }),
    ...(environment.units === undefined ? {} : { units: environment.units }),
    ...(environment.watch === undefined ? {} : { watch: environment.watch }),
    ...(unitDone === undefined ? {} : { unitDone: (unit: number) => unitDone(unit, rows) }),
  });
  try {
    if (left.damaged !== undefined) {
      const text = `${left.damaged} of its progress is not as it was written, so the stage starts over`;
      take({ kind: 'note', text });
    }
    if (left.saved === undefined)
      for (const made of [ROWS, BRANCHES]) await rm(join(stage.folder, made), { recursive: true, force: true });
    const events = stage.stage.run(stage.options, stage.inputs, stageContext(stage, environment, rows));
    const ended = events.pipe(
      untilAborted(signal),
      unlessStalled(() => stalled(stage.name, rows)),
      tap(take),
    );
    await lastValueFrom(ended, { defaultValue: undefined });
    await examples.drawn();
    await ledger.close();
    await metrics.close();
    await progress?.clear();
  } catch (error) {
    await rows.settled();
    await progress?.settled();
    await ledger.abort();
    await metrics.abort();
    throw asFailure(error, stage);
  }
  checkSums(stage.name, rows);
  const gates = checkGates(stage, report.results);
  const failure = gateFailure(stage, gates);
  const files = await listFiles(stage.folder, rows);
  const summary: StageReport = report.finish({
    seconds: (performance.now() - startedAt) / 1000,
    accounts: rows.accounts,
    branches: rows.branches,
    examples: examples.shown(rows.accounts.map(({ operator }) => operator)),
    digest: digestOf(files, report.made),
    gates,
  });
  const figures = report.made.map(({ task, metric, value }) => ({ task, metric, value }));
  const record = { fingerprint: stage.fingerprint, files, figures, report: summary };
  return failure === undefined ? { record } : { record, failure };
}

/** Milliseconds between two tellings of where the rows are. */
const TELL_EVERY = 500;

function countsOf(account: OperatorAccount): OperatorCounts {
  const { operator: name, rowsIn, rowsOut, bytes, held, seconds, waiting } = account;
  return { name, rowsIn, rowsOut, dropped: droppedRows(account), bytes, held, seconds, waiting };
}

/** Seconds between two savings of the rows' progress. */
const SAVE_EVERY = 30;

/** Whether an interrupted stage goes on among its rows: all that becomes of them is written, and every operator can go on. */
function goesOn({ stage, rows, sink, steps, branches }: PlannedStage): boolean {
  if (!stage.passesRows || rows === undefined || sink === undefined) return false;
  if (!('source' in rows.from) && rows.from.length > 1) return false;
  const operators = [...steps, ...branches.flatMap((branch) => branch.steps)];
  return operators.every(({ operator }) => operator.carries !== 'unknown');
}

function stageContext(
  stage: PlannedStage,
  { budget, signal, stopping }: StageEnvironment,
  rows: StageRows,
): StageContext {
  let place = stage.steps.length;
  let schema = stage.inputs.rows;
  return {
    folder: stage.folder,
    seed: stage.seed,
    signal,
    stopping,
    budget,
    rows: (options) => rows.rows(options),
    through(operator, config, { rehearsal = false } = {}) {
      const label = `${operator.name}[${rehearsal ? 'rehearsal' : place++}]`;
      const output = operator.writes(schema!, config);
      if (!rehearsal) schema = output;
      const step = {
        operator: operator as Operator as Operator<Options>,
        options: { ...config } as Options,
        label,
        seed: deriveSeed(stage.seed, label),
        output,
      };
      return rows.through(step, { counted: !rehearsal });
    },
    write: (stream) => rows.write(stream, stage.sink!, stage.facts.hands.rows!.schema, join(stage.folder, ROWS)),
  };
}

/** Something of the stage never ends: an operator that has had all rows, or whatever the stage waits for. */
function stalled(stage: string, { accounts, branches }: StageRows): AlignflowError {
  const places = [{ stage, accounts }, ...branches.map((one) => ({ ...one, stage: branchName(stage, one.name) }))];
  const [place] = places.flatMap(({ stage, accounts }) =>
    accounts.filter(({ ending }) => ending).map(({ operator }) => ({ stage, operator })),
  );
  return new AlignflowError({
    what: place === undefined ? 'the stage waits for what never comes' : 'the operator has had all rows and never ends',
    where: place ?? { stage },
    expected:
      place === undefined
        ? 'sources, operators and sinks that come to an end'
        : 'a stream that completes when its rows do',
    fix: 'look for a promise that is never resolved, or a stream that is never completed; run the conformance suite on it',
  });
}

/** All that the stage wrote, with the hash of each file: what a later run checks, and what the digest is made of. */
async function listFiles(folder: string, { shards }: StageRows): Promise<StageFile[]> {
  const known = new Map(shards.map((shard) => [shard.file, shard]));
  const files: StageFile[] = [];
  const names = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((name) => !NOT_MADE.has(name) && !name.startsWith(`${CHECKPOINTS}${sep}`))
    .sort();
  for (const file of names) {
    const shard = known.get(file);
    if (shard !== undefined) files.push({ file, bytes: shard.bytes, sha256: shard.sha256 });
    else files.push({ file, ...(await hashFile(join(folder, file))) });
  }
  return files;
}

/** Files of the engine that say how a stage was made, not what it made. */
const NOT_MADE = new Set(['started.json', 'manifest.yaml', 'metrics.parquet']);

/**
 * One hash for all that the stage made, files and figures. Not of the ledger, which no stage behind reads.
 */
export function digestOf(files: readonly StageFile[], figures: StageRecord['figures']): string {
  const hash = createHash('sha256');
  for (const { file, sha256 } of files) if (file !== LEDGER) hash.update(`${file}\0${sha256}\n`);
  for (const { task, metric, value } of figures) hash.update(`${task}\0${metric}\0${value}\n`);
  return hash.digest('hex');
}

/** What ended the stage, with its place. */
function asFailure(error: unknown, { name, folder }: PlannedStage): Error {
  if (error instanceof NeedsAllRows) return error;
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const known = code === 'ENOSPC' || code === 'EDQUOT' ? writeFailure(folder, error) : error;
  return placeError(known, { stage: name }, 'stage');
}
