/** What stands before the texts of each column of token ids: written by the stage that tokenizes, read by those that generate. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AlignflowError, reasonOf } from '../pipeline/errors.js';
import { writeWhole } from '../pipeline/run/atomic-file.js';

const file = 'prompts.json';

/** Token ids before the text, begin mark included, by column. */
export type Prompts = Readonly<Record<string, readonly number[]>>;

/** Writes the prompts of all columns into a tokenization stage's folder. */
export async function writePrompts(folder: string, prompts: Prompts): Promise<void> {
  await writeWhole(join(folder, file), `${JSON.stringify(prompts, undefined, 1)}\n`);
}

/** The prompt of a column. Throws an `AlignflowError` when the stage made no such column. */
export async function readPrompts(folder: string, column: string): Promise<readonly number[]> {
  const path = join(folder, file);
  let prompts: Prompts;
  try {
    prompts = JSON.parse(await readFile(path, 'utf8')) as Prompts;
  } catch (error) {
    throw new AlignflowError({
      what: `the prompts cannot be read: ${reasonOf(error)}`,
      where: { file: path },
      cause: error,
    });
  }
  const prompt = prompts[column];
  if (prompt !== undefined) return prompt;
  throw new AlignflowError({
    what: `no column ${column} was tokenized`,
    where: { file: path },
    expected: `one of ${Object.keys(prompts).join(', ')}`,
  });
}
