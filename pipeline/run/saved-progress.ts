/** What an interrupted stage left of its progress among the rows, held to the SHA-256 of each file, of itself too. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { OperatorAccount } from '../graph/account.js';
import type { SavedDistribution } from '../graph/distribution.js';
import { writeWhole } from './atomic-file.js';
import type { SavedExamples } from './dropped-examples.js';
import { hashFile } from './hash-file.js';

/** Within `checkpoints` of a stage's folder, which outlives an interruption. */
const FILE = 'rows.json';

/** An account as a plain value. */
export interface SavedAccount extends Omit<OperatorAccount, 'dropped' | 'measured'> {
  readonly dropped: readonly (readonly [reason: string, rows: number])[];
  readonly measured: readonly (readonly [measure: string, values: SavedDistribution])[];
}

/** The file's content. Names of files are relative to its folder. */
export interface SavedProgress {
  /** The next unit to be read. */
  readonly next: number;
  readonly accounts: Readonly<Record<string, SavedAccount>>;
  /** By operator: the file of what it carries. */
  readonly states: Readonly<Record<string, string>>;
  /** By scope, the stage itself or one of its branches. */
  readonly sinks: Readonly<Record<string, { readonly facts: unknown; readonly rows?: string }>>;
  readonly ledger: readonly string[];
  readonly examples: SavedExamples;
  /** SHA-256 of each file, hexadecimal. */
  readonly files: Readonly<Record<string, string>>;
}

/** What an interrupted run left in a stage's folder of checkpoints. */
export interface LeftProgress {
  readonly folder: string;
  readonly saved: SavedProgress | undefined;
  /** Files of the ledger so far. */
  readonly ledger: readonly string[];
  /** The file because of which nothing of it is used: it is not as it was written, or has gone. */
  readonly damaged?: string;
}

/** Whether a stage's folder has progress to go on from. */
export const hasProgress = (checkpoints: string): boolean => existsSync(join(checkpoints, FILE));

/** Reads what is left in a folder, if anything, and all of it is whole. */
export async function readProgress(folder: string): Promise<LeftProgress> {
  const nothing = { folder, saved: undefined, ledger: [] };
  if (!hasProgress(folder)) return nothing;
  const saved = parse(await readFile(join(folder, FILE), 'utf8').catch(() => ''));
  if (saved === undefined) return { ...nothing, damaged: FILE };
  for (const [name, sha256] of Object.entries(saved.files)) {
    const found = await hashFile(join(folder, basename(name))).catch(() => undefined);
    if (found?.sha256 !== sha256) return { ...nothing, damaged: name };
  }
  return { folder, saved, ledger: saved.ledger.map((file) => join(folder, file)) };
}

/** Writes the file: what was saved before counts until then. */
export async function writeProgress(folder: string, saved: SavedProgress): Promise<void> {
  await writeWhole(join(folder, FILE), JSON.stringify({ sha256: hashOf(saved), ...saved }));
}

/** The content of the file, if it is what was written. */
function parse(text: string): SavedProgress | undefined {
  try {
    const { sha256, ...saved } = JSON.parse(text) as SavedProgress & { readonly sha256: string };
    return hashOf(saved) === sha256 ? saved : undefined;
  } catch {
    return undefined;
  }
}

function hashOf(saved: SavedProgress): string {
  return createHash('sha256').update(JSON.stringify(saved)).digest('hex');
}
