import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readPrompt, writePrompts } from '../../stages/prompts.js';
import { makeFolder } from '../pipeline/folder.js';

describe('prompts', () => {
  it('are read as they were written', async () => {
    const folder = makeFolder({});
    await writePrompts(folder, { tokens: [1, 7, 8], bare: [1] });
    expect(await readPrompt(folder, 'tokens')).toEqual([1, 7, 8]);
    expect(await readPrompt(folder, 'bare', 3)).toEqual([1]);
  });

  it('must leave room for a text', async () => {
    const folder = makeFolder({});
    await writePrompts(folder, { tokens: [1, 7, 8] });
    expect(await readPrompt(folder, 'tokens', 5)).toEqual([1, 7, 8]);
    await expect(readPrompt(folder, 'tokens', 4)).rejects.toThrow(
      /texts of column tokens are cut to 4 tokens, and what stands before them takes 3[\s\S]*at least 5[\s\S]*raise length/,
    );
  });

  it('say which columns there are', async () => {
    const folder = makeFolder({});
    await writePrompts(folder, { tokens: [1], caption_tokens: [1] });
    await expect(readPrompt(folder, 'constructor')).rejects.toThrow(
      /no column constructor was tokenized[\s\S]*one of tokens, caption_tokens/,
    );
  });

  it.each([
    ['{', 'the prompts cannot be read'],
    ['null', 'they are no map of columns'],
    ['{"tokens": "x"}', 'no column tokens was tokenized'],
  ])('name the file when it holds %s', async (text, message) => {
    const folder = makeFolder({});
    const file = join(folder, 'prompts.json');
    writeFileSync(file, text);
    await expect(readPrompt(folder, 'tokens')).rejects.toThrow(message);
    await expect(readPrompt(folder, 'tokens')).rejects.toThrow(file);
  });
});
