/** The file `tokenizer.json` of the tokenizers library, as stages and operators read and write it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tokenizer } from 'tokenizers';
import { AlignflowError, reasonOf } from '../../pipeline/errors.js';
import { tokenizers } from './library.js';

/** Name of the file in a stage's folder. */
export const tokenizerFile = 'tokenizer.json';

/** The special tokens; a token's id is its place. Padding is 0, as the published model wants it. */
export const specialTokens = ['<pad>', '<s>', '</s>'] as const;
export const padId = 0;
export const beginId = 1;
export const endId = 2;

/** The tokens of the 256 bytes, in the order of their characters. */
export function byteTokens(): string[] {
  return tokenizers().byteLevelAlphabet().sort();
}

/**
 * Opens the tokenizer of a folder. Throws an `AlignflowError` that names the file when it is missing or damaged, or when its
 * begin and end marks have other ids than the models expect.
 */
export async function openTokenizer(folder: string): Promise<Tokenizer> {
  const path = join(folder, tokenizerFile);
  const tokenizer = await loadTokenizer(path);
  for (const id of [beginId, endId]) {
    const token = specialTokens[id]!;
    const found = tokenizer.tokenToId(token);
    if (found === id) continue;
    throw new AlignflowError({
      what: `in this tokenizer ${token} is ${found === null ? 'no token' : `token ${found}`}`,
      where: { file: path },
      expected: '<s> as token 1 and </s> as token 2, as in the tokenizers of LLaMA and of tokenizer/train-bpe',
      fix: 'train a tokenizer with tokenizer/train-bpe',
    });
  }
  return tokenizer;
}

async function loadTokenizer(path: string): Promise<Tokenizer> {
  try {
    return tokenizers().Tokenizer.fromString(await readFile(path, 'utf8'));
  } catch (error) {
    throw new AlignflowError({
      what: `the tokenizer cannot be read: ${reasonOf(error)}`,
      where: { file: path },
      expected: 'a tokenizer.json of the tokenizers library',
      cause: error,
    });
  }
}

/**
 * The text of a byte-level BPE's `tokenizer.json`: special tokens first, the 256 bytes next in the order of their
 * characters, then one token for each merge. Texts are encoded as `<s> text </s>`.
 */
export function tokenizerJson(merges: readonly (readonly [string, string])[]): string {
  const tokens = new Set([...specialTokens, ...byteTokens(), ...merges.map(([left, right]) => left + right)]);
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  const special = (content: string, id: number) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  const mark = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
  const text = (id: string, type: number) => ({ Sequence: { id, type_id: type } });
  return JSON.stringify(
    {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: specialTokens.map(special),
      normalizer: null,
      pre_tokenizer: byteLevel,
      post_processor: {
        type: 'TemplateProcessing',
        single: [mark('<s>'), text('A', 0), mark('</s>')],
        pair: [mark('<s>'), text('A', 0), mark('</s>'), text('B', 1), mark('</s>')],
        special_tokens: Object.fromEntries(
          [beginId, endId].map((id) => [
            specialTokens[id],
            { id: specialTokens[id], ids: [id], tokens: [specialTokens[id]] },
          ]),
        ),
      },
      decoder: byteLevel,
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: false,
        vocab: Object.fromEntries([...tokens].map((token, id) => [token, id])),
        merges,
      },
    },
    undefined,
    1,
  );
}

/** The text of token ids, special tokens left out. */
export async function decodeTokens(tokenizer: Tokenizer, ids: readonly number[]): Promise<string> {
  return ids.length === 0 ? '' : (await tokenizer.decode([...ids], true)).trim();
}
