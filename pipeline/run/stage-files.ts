/** Whether the files of a complete stage are still those that it wrote. */
import { readdir, stat } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { AlignflowError } from '../errors.js';
import { hashFile } from './hash-file.js';
import type { StageFile, StageRecord } from './stage-record.js';

/** Where a stage's rows go, and its branches'. */
export const ROW_FOLDERS = ['rows', 'branches'];

/**
 * The first file of a stage that is not as the stage wrote it, or is no more; undefined for none. Bytes are looked at where a file is
 * younger than the completion mark, which was written last.
 *
 * @param mark path of the completion mark
 */
export async function changedFile(folder: string, { files }: StageRecord, mark: string): Promise<string | undefined> {
  const { mtimeMs: completed } = await stat(mark);
  for (const file of files) if (!(await isWhole(join(folder, file.file), file, completed))) return file.file;
  return undefined;
}

async function isWhole(path: string, { bytes, sha256 }: StageFile, completed: number): Promise<boolean> {
  const entry = await stat(path).catch(() => undefined);
  if (entry?.size !== bytes) return false;
  return entry.mtimeMs <= completed || (await hashFile(path)).sha256 === sha256;
}

/** Refuses files among a stage's rows that it did not write: the stages behind it would read them. Hidden files are nobody's rows. */
export async function refuseStrays(folder: string, { files }: StageRecord): Promise<void> {
  const ours = new Set(files.map(({ file }) => file));
  for (const name of ROW_FOLDERS) {
    const at = join(folder, name);
    const entries = await readdir(at, { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const file = relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/');
      if (entry.isDirectory() || ours.has(file) || file.split('/').some((part) => part.startsWith('.'))) continue;
      // What a sink keeps beside its shards, such as an index, is its own affair.
      if (![...ours].some((own) => extname(own) === extname(file))) continue;
      throw new AlignflowError({
        what: `${file} lies among the rows of the stage, which did not write it`,
        where: { file: join(folder, file) },
        expected: 'what the stage wrote, and nothing else: the stages behind it would read this file too',
        fix: 'move it to another folder, or remove the folder of the stage to make it anew',
      });
    }
  }
}
