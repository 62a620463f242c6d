import { resolve } from 'node:path';
import { Field, Int32, List, type RecordBatch, type Schema, Utf8 } from 'apache-arrow';
import { defer } from 'rxjs';
import type { Tokenizer } from 'tokenizers';
import { int32ListColumn } from '../../pipeline/batch/build.js';
import { readColumn } from '../../pipeline/batch/column.js';
import { withColumn, withField } from '../../pipeline/batch/columns.js';
import { keepRows } from '../../pipeline/batch/select.js';
import { mapAsync } from '../../pipeline/graph/map-async.js';
import { defineOperator } from '../../pipeline/operator.js';
import { beginId, endId, openTokenizer } from './tokenizer-file.js';

/** Encodes a text column as token ids between `<s>` and `</s>`. */
export interface Encode {
  /** Folder of the `tokenizer.json`; a relative one is relative to the working directory. */
  folder: string;
  /** Text column. */
  column: string;
  /** Column of lists of token ids that is added or replaced. */
  into: string;
  /** Put directly before each text: `summarize:`. */
  prefix: string;
  /** Longest list, begin and end mark included; longer texts are cut before their end mark. @integer @minimum 3 */
  maxTokens: number;
}

export default defineOperator({
  name: 'tokenizer/encode',
  defaults: { column: 'caption', into: 'tokens', prefix: '', maxTokens: 80 },
  reads: ({ column }: Encode) => ({ [column]: new Utf8() }),
  writes: (schema: Schema, { into }) => withField(schema, tokensField(into)),
  drops: ['null', 'empty'],
  carries: 'nothing',
  run: ({ folder, column, into, prefix, maxTokens }, context) => {
    const open = async () => {
      const tokenizer = await openTokenizer(resolve(folder));
      // The prefix is encoded by itself, so that it has the same tokens before every text.
      const [before = []] = await tokensOf(tokenizer, [prefix]);
      return { tokenizer, before };
    };
    const encode = async (batch: RecordBatch, opened: ReturnType<typeof open>): Promise<RecordBatch> => {
      const { tokenizer, before } = await opened;
      const texts = readColumn(batch, column, Utf8);
      const kept = keepRows(batch, context, (row) => {
        const text = texts.get(row);
        return text === null ? 'null' : text === '' ? 'empty' : undefined;
      });
      const left = readColumn(kept, column, Utf8);
      const ids = await tokensOf(
        tokenizer,
        Array.from({ length: kept.numRows }, (_, row) => left.get(row)!),
      );
      const lists = ids.map((own) => [beginId, ...[...before, ...own].slice(0, maxTokens - 2), endId]);
      return withColumn(kept, tokensField(into), int32ListColumn(lists));
    };
    return (rows) =>
      defer(() => {
        const opened = open();
        // Whoever waits for it gets the error; without rows, nobody does.
        opened.catch(() => undefined);
        return rows.pipe(mapAsync(context, (batch) => encode(batch, opened)));
      });
  },
});

/** A column of token ids. */
export function tokensField(name: string): Field<List<Int32>> {
  return new Field(name, new List(new Field('item', new Int32(), true)), true);
}

/** The tokens of texts, without begin and end mark. */
export async function tokensOf(tokenizer: Tokenizer, texts: readonly string[]): Promise<number[][]> {
  const encodings = await tokenizer.encodeBatch([...texts], { addSpecialTokens: false });
  return encodings.map((encoding) => encoding.getIds());
}
