/**
 * How far the rows of a stage have come, kept on disk between two units of its source, when nothing is under way: every row before
 * is in the sink or in the ledger, and no row behind. An interrupted stage goes on from there to the same bytes.
 */
import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { droppedRows, type OperatorAccount } from '../graph/account.js';
import { restoreDistribution, saveDistribution } from '../graph/distribution.js';
import type { OperatorContext } from '../operator.js';
import type { SinkWriter, SuspendedSink } from '../sink.js';
import { writeWhole } from './atomic-file.js';
import type { DroppedExamples } from './dropped-examples.js';
import { hashFile } from './hash-file.js';
import type { Ledger } from './ledger.js';
import { packBatch, unpackBatch } from './rows-message.js';
import { type LeftProgress, type SavedAccount, type SavedProgress, writeProgress } from './saved-progress.js';

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

function saveAccount(account: OperatorAccount): SavedAccount {
  const measured = [...account.measured].map(([measure, values]) => [measure, saveDistribution(values)] as const);
  return { ...account, dropped: [...account.dropped], measured };
}

/** Goes on with what is left. */
export async function openProgress(
  { folder, saved }: LeftProgress,
  { ledger, examples, every }: ProgressParts,
): Promise<RowsProgress> {
  const accounts = new Map<string, OperatorAccount>();
  const states = new Map<string, () => Uint8Array>();
  const writers = new Map<string, SinkWriter>();
  const parts = [...(saved?.ledger ?? [])];
  /** By name: the SHA-256 of each file that is kept. */
  let files = new Map(Object.entries(saved?.files ?? {}));
  const left = new Map<string, Buffer>();
  for (const file of files.keys()) if (!parts.includes(file)) left.set(file, await readFile(join(folder, file)));
  let generation = parts.length;
  let able = true;
  let saving: Promise<void> = Promise.resolve();
  let nextAt = performance.now() + 1000 * every;

  const within = (account: OperatorAccount): number => account.rowsIn - account.rowsOut - droppedRows(account);
  const allArrived = (): boolean => [...accounts.values()].every((account) => within(account) === 0);
  const write = async (name: string, bytes: Uint8Array): Promise<string> => {
    await writeWhole(join(folder, name), bytes);
    files.set(name, createHash('sha256').update(bytes).digest('hex'));
    return name;
  };
  const saveSinks = async (): Promise<SavedProgress['sinks']> => {
    const sinks: Record<string, { facts: unknown; rows?: string }> = {};
    for (const [scope, writer] of writers) {
      const { facts, rows } = await writer.suspend!();
      const file = rows && (await write(`waiting-${generation}-${Object.keys(sinks).length}`, packBatch(rows)));
      sinks[scope] = { facts, ...(file === undefined ? {} : { rows: file }) };
    }
    return sinks;
  };
  const saveStates = async (): Promise<SavedProgress['states']> => {
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
    const before = files;
    files = new Map([...before].filter(([file]) => parts.includes(file)));
    files.set(part, (await hashFile(join(folder, part))).sha256);
    const [stateFiles, sinks] = [await saveStates(), await saveSinks()];
    await writeProgress(folder, {
      next,
      accounts: Object.fromEntries([...accounts].map(([key, account]) => [key, saveAccount(account)])),
      states: stateFiles,
      sinks,
      ledger: parts,
      examples: examples.save(),
      files: Object.fromEntries(files),
    });
    for (const file of before.keys()) if (!files.has(file)) await rm(join(folder, file), { force: true });
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
    clear: () => rm(folder, { recursive: true, force: true }),
  };
}
