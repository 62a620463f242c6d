import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Utf8 } from 'apache-arrow';
import { concat, defer, ignoreElements, mergeAll, type Observable } from 'rxjs';
import encode, { tokensField, tokensOf } from '../operators/tokenizers/encode.js';
import { beginId, openTokenizer, tokenizerFile } from '../operators/tokenizers/tokenizer-file.js';
import trainBpe from '../operators/tokenizers/train-bpe.js';
import { withField } from '../pipeline/batch/columns.js';
import { AlignflowError } from '../pipeline/errors.js';
import type { StageEvent } from '../pipeline/metrics.js';
import { defineStage, type StageContext } from '../pipeline/stage.js';
import { formatCount } from '../pipeline/terminal/format.js';
import { type Prompts, writePrompts } from './prompts.js';

/**
 * Turns captions into token ids, with a byte-level BPE that is trained on these rows, or with the tokenizer of the stage
 * that `tokenizer` names.
 */
export interface Tokenization {
  /** Text column. */
  column: string;
  /** Number of tokens of a tokenizer that is trained here. @integer @minimum 259 */
  vocabulary: number;
  /**
   * Columns of token ids to add, each with what is put directly before the text. `summarize:` is the prefix of the text
   * tower, `English caption:` the prompt of captioning (arXiv 2312.14238, released code).
   */
  prompts: Record<string, string>;
  /** Longest list of ids, begin and end mark included; longer texts are cut before their end mark. @integer @minimum 3 */
  maxTokens: number;
}

export default defineStage({
  name: 'tokenization',
  defaults: {
    column: 'caption',
    vocabulary: 4096,
    prompts: { tokens: 'summarize:', caption_tokens: 'English caption:' },
    maxTokens: 80,
  },
  takes: { rows: 'required', sink: true, tokenizer: 'optional' },
  passesRows: true,
  reads: ({ column }: Tokenization) => ({ [column]: new Utf8() }),
  plan: ({ column, prompts, vocabulary }, { name, rows, tokenizer }) => {
    checkPrompts(column, prompts);
    const schema = rows && Object.keys(prompts).reduce((known, column) => withField(known, tokensField(column)), rows);
    const known = tokenizer?.artefacts.tokenizer ?? { vocabulary, trainedBy: name };
    return {
      hands: { tokenizer: known, ...(schema === undefined ? {} : { rows: { schema } }) },
      facts: [
        [
          'vocabulary',
          tokenizer === undefined
            ? `${formatCount(vocabulary)}, trained on these rows`
            : `${formatCount(known.vocabulary)}, of ${known.trainedBy}`,
        ],
      ],
    };
  },
  run: (config, inputs, context) =>
    concat(
      inputs.tokenizer === undefined
        ? train(config, context)
        : defer(() => adopt(inputs.tokenizer!.folder, context)).pipe(ignoreElements()),
      defer(() => encodeAll(config, context)).pipe(mergeAll()),
    ),
});

/** Throws unless there is a column to write, and none that is the text itself. */
function checkPrompts(column: string, prompts: Readonly<Record<string, string>>): void {
  if (Object.keys(prompts).length === 0) {
    throw new AlignflowError({
      what: 'prompts is empty, so no column of token ids would be written',
      expected: 'a column name and the prefix of its texts: { tokens: "summarize:" }',
      options: ['prompts'],
    });
  }
  if (Object.hasOwn(prompts, column)) {
    throw new AlignflowError({
      what: `prompts would write token ids over the text column ${column}`,
      expected: 'columns of other names: the captions are read again for each of them',
      fix: `name it ${column}_tokens`,
      options: [`prompts.${column}`],
    });
  }
}

/** A first pass over the rows, of which nothing is kept but the tokenizer. */
function train({ column, vocabulary, prompts }: Tokenization, context: StageContext): Observable<never> {
  const prefixes = Object.values(prompts);
  return context
    .rows({ rehearsal: true })
    .pipe(context.through(trainBpe, { column, prefixes, vocabulary }, { rehearsal: true }), ignoreElements());
}

/** The folder holds its own copy, so that what a stage hands over does not depend on others. */
async function adopt(folder: string, context: StageContext): Promise<void> {
  await copyFile(join(folder, tokenizerFile), join(context.folder, tokenizerFile));
}

/** The second pass: one column of token ids for each prompt. */
async function encodeAll(
  { column, prompts, maxTokens }: Tokenization,
  context: StageContext,
): Promise<Observable<StageEvent>> {
  const tokenizer = await openTokenizer(context.folder);
  const ids: Record<string, readonly number[]> = {};
  for (const [into, prefix] of Object.entries(prompts))
    ids[into] = [beginId, ...(await tokensOf(tokenizer, [prefix]))[0]!];
  await writePrompts(context.folder, ids satisfies Prompts);
  const encoded = Object.entries(prompts).reduce(
    (rows, [into, prefix]) =>
      rows.pipe(context.through(encode, { folder: context.folder, column, into, prefix, maxTokens })),
    context.rows(),
  );
  return context.write(encoded);
}
