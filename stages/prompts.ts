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

/**
 * The prompt of a column; of texts that are cut to `length` tokens, where that is given.
 * @throws AlignflowError when the stage made no such column, or when the prompt leaves no room for a text and its end mark
 */
export async function readPrompt(
  folder: string,
  column: string,
  length = Number.POSITIVE_INFINITY,
): Promise<readonly number[]> {
  const path = join(folder, file);
  const prompts = await readPrompts(path);
  const prompt = Object.hasOwn(prompts, column) ? prompts[column] : undefined;
  if (!Array.isArray(prompt)) {
    throw new AlignflowError({
      what: `no column ${column} was tokenized`,
      where: { file: path },
      expected: `one of ${Object.keys(prompts).join(', ')}`,
      fix: `add ${column} to the prompts of the tokenization stage`,
    });
  }
  if (prompt.length + 2 <= length) return prompt;
  throw new AlignflowError({
    what: `texts of column ${column} are cut to ${length} tokens, and what stands before them takes ${prompt.length}`,
    where: { file: path },
    expected: `a length of at least ${prompt.length + 2}: room for a token of the text and the end mark`,
    fix: 'raise length',
  });
}

async function readPrompts(path: string): Promise<Prompts> {
  try {
    const prompts: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof prompts === 'object' && prompts !== null) return prompts as Prompts;
    throw new Error('they are no map of columns');
  } catch (error) {
    throw new AlignflowError({
      what: `the prompts cannot be read: ${reasonOf(error)}`,
      where: { file: path },
      fix: 'run the tokenization stage again',
      cause: error,
    });
  }
}
