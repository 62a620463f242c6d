import { join } from 'node:path';
import { type RecordBatch, Utf8 } from 'apache-arrow';
import { concat, defer, EMPTY, mergeMap, tap } from 'rxjs';
import { readColumn } from '../../pipeline/batch/column.js';
import { defineOperator } from '../../pipeline/operator.js';
import { writeWhole } from '../../pipeline/run/atomic-file.js';
import { trainMerges } from './bpe-trainer.js';
import { tokenizers } from './library.js';
import { byteTokens, specialTokens, tokenizerFile, tokenizerJson } from './tokenizer-file.js';

/**
 * Trains a byte-level BPE on a text column while the rows pass unchanged, and writes `tokenizer.json` into the stage's
 * folder when they end. The same texts give the same file, and the vocabulary that the tokenizers library gives in Python.
 */
export interface TrainBpe {
  /** Text column to learn from. Nulls are passed over. */
  column: string;
  /** Texts put directly before each text, each giving a text to learn from: `summarize:`. */
  prefixes: string[];
  /** Number of tokens: 3 special ones, 256 bytes, and merges. @integer @minimum 259 */
  vocabulary: number;
  /** Pairs of tokens that are rarer do not become a token; all do that there are unless given. @integer @minimum 1 */
  minFrequency?: number;
}

export default defineOperator({
  name: 'tokenizer/train-bpe',
  defaults: { column: 'caption', prefixes: [''], vocabulary: 4096 },
  reads: ({ column }: TrainBpe) => ({ [column]: new Utf8() }),
  writes: (schema) => schema,
  run:
    ({ column, prefixes, vocabulary, minFrequency = 1 }, context) =>
    (rows) =>
      defer(() => {
        const words = createWordCounts();
        const trained = defer(() => {
          const tokens = [...specialTokens, ...byteTokens()];
          const merges = trainMerges(words.counts, { tokens, vocabulary, minFrequency });
          return writeWhole(join(context.folder, tokenizerFile), tokenizerJson(merges));
        }).pipe(mergeMap(() => EMPTY));
        return concat(rows.pipe(tap((batch) => countWords(batch, column, prefixes, words.add))), trained);
      }),
});

function countWords(
  batch: RecordBatch,
  column: string,
  prefixes: readonly string[],
  add: (text: string) => void,
): void {
  const texts = readColumn(batch, column, Utf8);
  for (let row = 0; row < batch.numRows; row++) {
    const text = texts.get(row);
    if (text !== null && text !== '') for (const prefix of prefixes) add(prefix + text);
  }
}

/** How often each word occurs: of all texts, only that is kept. The library cuts texts into words, so that its words count. */
function createWordCounts() {
  const splitter = tokenizers().byteLevelPreTokenizer(false);
  const counts = new Map<string, number>();
  return {
    counts: counts as ReadonlyMap<string, number>,
    add(text: string): void {
      for (const [word] of splitter.preTokenizeString(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
    },
  };
}
