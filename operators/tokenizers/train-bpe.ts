import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type RecordBatch, Utf8 } from 'apache-arrow';
import { concat, defer, EMPTY, finalize, mergeMap, type OperatorFunction } from 'rxjs';
import { BPE, byteLevelPreTokenizer, Tokenizer } from 'tokenizers';
import { readColumn } from '../../pipeline/batch/column.js';
import { AlignflowError } from '../../pipeline/errors.js';
import { mapAsync } from '../../pipeline/graph/map-async.js';
import { defineOperator } from '../../pipeline/operator.js';
import { writeWhole } from '../../pipeline/run/atomic-file.js';
import { smallestVocabulary, tokenizerFile, tokenizerJson } from './tokenizer-file.js';

/**
 * Trains a byte-level BPE on a text column while the rows pass unchanged, and writes `tokenizer.json` into the stage's
 * folder when they end. The same texts give the same file, and the vocabulary that the tokenizers library gives in Python.
 */
export interface TrainBpe {
  /** Text column to learn from. Nulls are passed over. */
  column: string;
  /** Texts put directly before each text, each giving a text to learn from: `summarize:`. */
  prefixes: string[];
  /** Number of tokens: 3 special ones, 256 bytes, and merges. @minimum 259 @maximum 30000 */
  vocabulary: number;
}

export default defineOperator({
  name: 'tokenizer/train-bpe',
  defaults: { column: 'caption', prefixes: [''], vocabulary: 4096 },
  reads: ({ column }: TrainBpe) => ({ [column]: new Utf8() }),
  writes: (schema) => schema,
  run:
    ({ column, prefixes, vocabulary }, context): OperatorFunction<RecordBatch, RecordBatch> =>
    (rows) =>
      defer(async () => {
        const scratch = await mkdtemp(join(context.folder, 'training-text-'));
        return { scratch, texts: await open(join(scratch, 'texts'), 'w') };
      }).pipe(
        mergeMap(({ scratch, texts }) => {
          const passed = rows.pipe(
            mapAsync(
              context,
              async (batch) => {
                await texts.writeFile(textsOf(batch, column, prefixes));
                return batch;
              },
              { concurrency: 1 },
            ),
          );
          const trained = defer(async () => {
            await texts.close();
            await writeWhole(
              join(context.folder, tokenizerFile),
              await train(join(scratch, 'texts'), scratch, vocabulary),
            );
          }).pipe(mergeMap(() => EMPTY));
          return concat(passed, trained).pipe(
            finalize(() => {
              void texts
                .close()
                .catch(() => undefined)
                .then(() => rm(scratch, { recursive: true, force: true }));
            }),
          );
        }),
      ),
});

/** The texts of a batch, a line each; a line break inside a text divides words, as white space does. */
function textsOf(batch: RecordBatch, column: string, prefixes: readonly string[]): string {
  const texts = readColumn(batch, column, Utf8);
  const lines: string[] = [];
  for (let row = 0; row < batch.numRows; row++) {
    const text = texts.get(row);
    if (text !== null && text !== '') for (const prefix of prefixes) lines.push(prefix + text, '\n');
  }
  return lines.join('');
}

/**
 * The binding trains with the library's default of 30,000 tokens. Merges are found one after the other, each the most
 * frequent pair, so a smaller vocabulary is the beginning of a larger one.
 */
async function train(texts: string, scratch: string, vocabulary: number): Promise<string> {
  const tokenizer = new Tokenizer(BPE.empty());
  tokenizer.setPreTokenizer(byteLevelPreTokenizer(false));
  tokenizer.train([texts]);
  const saved = join(scratch, tokenizerFile);
  tokenizer.save(saved);
  const { model } = JSON.parse(await readFile(saved, 'utf8')) as { model: { merges: [string, string][] } };
  if (model.merges.length === 0) {
    throw new AlignflowError({
      what: 'there is no text to train a tokenizer on',
      expected: 'texts in which some pairs of letters repeat',
      fix: 'look at the ledger of the stage before: it says why each row was dropped',
    });
  }
  return tokenizerJson(model.merges.slice(0, vocabulary - smallestVocabulary));
}
