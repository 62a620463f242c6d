/**
 * How far the rows of a stage have come, kept on disk between two units of its source, when nothing is under way: every row before
 * is in the sink or in the ledger, and no row behind. An interrupted stage goes on from there to the same bytes.
 */
import { existsSync } from 'node:fs';
import { readFile, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { droppedRows, type OperatorAccount } from '../graph/account.js';
import { restoreDistribution, type SavedDistribution, saveDistribution } from '../graph/distribution.js';
import type { OperatorContext } from '../operator.js';
import type { SinkWriter, SuspendedSink } from '../sink.js';
import { writeWhole } from './atomic-file.js';
import type { DroppedExamples, SavedExamples } from './dropped-examples.js';
import type { Ledger } from './ledger.js';
import { packBatch, unpackBatch } from './rows-message.js';

/** Within `checkpoints` of a stage's folder, which outlives an interruption. */
const FILE = 'rows.json';

/** An account as a plain value. */
interface SavedAccount extends Omit<OperatorAccount, 'dropped' | 'measured'> {
  readonly dropped: readonly (readonly [reason: string, rows: number])[];
  readonly measured: readonly (readonly [measure: string, values: SavedDistribution])[];
}

/** The file's content. Names of files are relative to its folder. */
interface Saved {
  /** The next unit to be read. */
  readonly next: number;
  readonly accounts: Readonly<Record<string, SavedAccount>>;
  /** By operator: the file of what it carries. */
  readonly states: Readonly<Record<string, string>>;
  /** By scope, the stage itself or one of its branches. */
  readonly sinks: Readonly<Record<string, { readonly facts: unknown; readonly rows?: string }>>;
  readonly ledger: readonly string[];
  readonly examples: SavedExamples;
}

/** What a stage's rows go on from, and where they say how far they are. A scope is the stage itself or one of its branches. */
export interface RowsProgress {
  /** The first unit that is to be read. */
  readonly next: number;
  /** Lets the counts of an operator go on from where they were. */
  account(scope: string, account: OperatorAccount): void;
  /** What `OperatorContext.state` is for an operator. */
  state(scope: string, label: string): OperatorContext['state'];
  /** What a sink of an interrupted run left. */
  suspended(scope: string): SuspendedSink | undefined;
  /** Tells of the sink that is written to. One that cannot be suspended ends all saving. */
  writer(scope: string, writer: SinkWriter): void;
  /** Rows in asynchronous work, which saving would wait for; 0 where nothing can be saved. */
  readonly inWork: number;
  /** Whether it is time to save. */
  readonly due: boolean;
  /** Saves, when all rows before unit `next` have come to their end; does nothing while some have not, or where a sink cannot go on. */
  save(next: number): Promise<void>;
  /** Resolves when nothing is being saved. */
  settled(): Promise<void>;
  /** Removes all that was saved: the stage has come to its end. */
  clear(): Promise<void>;
}

/** What progress is made of besides the rows. */
export interface ProgressParts {
  readonly ledger: Pick<Ledger, 'split'>;
  readonly examples: Pick<DroppedExamples, 'save'>;
  /** Seconds between two savings, or 20 times as long as the last one took. */
  readonly every: number;
}

/** What an interrupted run left in a stage's folder of checkpoints. */
export interface LeftProgress {
  readonly folder: string;
  readonly saved: Saved | undefined;
  /** Files of the ledger so far. */
  readonly ledger: readonly string[];
}

/** Reads what is left; nothing where there is none, or where a file of it has gone. */
export async function readProgress(folder: string): Promise<LeftProgress> {
  const text = await readFile(join(folder, FILE), 'utf8').catch(() => undefined);
  const saved = text === undefined ? undefined : parse(text);
  const whole =
    saved !== undefined && [...filesOf(saved), ...saved.ledger].every((file) => existsSync(join(folder, file)));
  if (!whole) return { folder, saved: undefined, ledger: [] };
  return { folder, saved, ledger: saved.ledger.map((file) => join(folder, file)) };
}

/** What was saved; nothing for a file that somebody has damaged. */
function parse(text: string): Saved | undefined {
  try {
    return JSON.parse(text) as Saved;
  } catch {
    return undefined;
  }
}

function saveAccount(account: OperatorAccount): SavedAccount {
  const measured = [...account.measured].map(([measure, values]) => [measure, saveDistribution(values)] as const);
  return { ...account, dropped: [...account.dropped], measured };
}

/** The files of what operators carry and of what waits in sinks. */
function filesOf({ states, sinks }: Saved): string[] {
  return [...Object.values(states), ...Object.values(sinks).flatMap(({ rows }) => rows ?? [])];
}

/** Whether a stage's folder has progress to go on from. */
export const hasProgress = (checkpoints: string): boolean => existsSync(join(checkpoints, FILE));

/** Goes on with what is left. */
export async function openProgress(
  { folder, saved }: LeftProgress,
  { ledger, examples, every }: ProgressParts,
): Promise<RowsProgress> {
  const accounts = new Map<string, OperatorAccount>();
  const states = new Map<string, () => Uint8Array>();
  const writers = new Map<string, SinkWriter>();
  const left = new Map<string, Buffer>();
  for (const file of saved === undefined ? [] : filesOf(saved)) left.set(file, await readFile(join(folder, file)));
  const parts = [...(saved?.ledger ?? [])];
  let generation = parts.length;
  let files: string[] = [...left.keys()];
  let able = true;
  let saving: Promise<void> = Promise.resolve();
  let nextAt = performance.now() + 1000 * every;

  const within = (account: OperatorAccount): number => account.rowsIn - account.rowsOut - droppedRows(account);
  const allArrived = (): boolean => [...accounts.values()].every((account) => within(account) === 0);
  const write = async (name: string, bytes: Uint8Array): Promise<string> => {
    await writeWhole(join(folder, name), bytes);
    return name;
  };
  const saveSinks = async (): Promise<Saved['sinks']> => {
    const sinks: Record<string, { facts: unknown; rows?: string }> = {};
    for (const [scope, writer] of writers) {
      const { facts, rows } = await writer.suspend!();
      const file = rows && (await write(`waiting-${generation}-${Object.keys(sinks).length}`, packBatch(rows)));
      sinks[scope] = { facts, ...(file === undefined ? {} : { rows: file }) };
    }
    return sinks;
  };
  const saveStates = async (): Promise<Saved['states']> => {
    const saved: Record<string, string> = {};
    let number = 0;
    for (const [label, bytes] of states) saved[label] = await write(`state-${generation}-${number++}`, bytes());
    return saved;
  };

  const saveOnce = async (next: number): Promise<void> => {
    if (!able || !allArrived()) return;
    const startedAt = performance.now();
    const part = `ledger-${generation}.parquet`;
    await ledger.split(join(folder, part));
    parts.push(part);
    const value: Saved = {
      next,
      accounts: Object.fromEntries([...accounts].map(([key, account]) => [key, saveAccount(account)])),
      states: await saveStates(),
      sinks: await saveSinks(),
      ledger: parts,
      examples: examples.save(),
    };
    await writeWhole(join(folder, FILE), JSON.stringify(value));
    const kept = filesOf(value);
    for (const file of files) if (!kept.includes(file)) await rm(join(folder, file), { force: true });
    files = kept;
    generation++;
    const now = performance.now();
    nextAt = now + Math.max(1000 * every, 20 * (now - startedAt));
  };

  return {
    next: saved?.next ?? 0,
    account(scope, account) {
      const key = `${scope}/${account.operator}`;
      accounts.set(key, account);
      const before = saved?.accounts[key];
      if (before === undefined) return;
      for (const [reason, rows] of before.dropped) account.dropped.set(reason, rows);
      for (const [measure, values] of before.measured) account.measured.set(measure, restoreDistribution(values));
      const { rowsIn, rowsOut, bytes, seconds, waiting } = before;
      Object.assign(account, { rowsIn, rowsOut, bytes, seconds, waiting });
    },
    state: (scope, label) => (save) => {
      const key = `${scope}/${label}`;
      states.set(key, save);
      const file = saved?.states[key];
      return file === undefined ? undefined : left.get(file);
    },
    suspended(scope) {
      const sink = saved?.sinks[scope];
      if (sink === undefined) return undefined;
      const { facts, rows } = sink;
      return rows === undefined ? { facts } : { facts, rows: unpackBatch(left.get(rows)!) };
    },
    writer(scope, writer) {
      if (writer.suspend === undefined) able = false;
      writers.set(scope, writer);
    },
    get inWork() {
      if (!able) return 0;
      let rows = 0;
      for (const account of accounts.values()) if (account.held > 0) rows += within(account);
      return rows;
    },
    get due() {
      return able && performance.now() >= nextAt;
    },
    save(next) {
      saving = saveOnce(next);
      return saving;
    },
    settled: () => saving.catch(() => undefined),
    async clear() {
      for (const file of [FILE, ...files, ...parts]) await rm(join(folder, file), { force: true });
      await rmdir(folder).catch(() => undefined);
    },
  };
}
