import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Int32, List, type RecordBatch } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import encode, { type Encode } from '../../../operators/tokenizers/encode.js';
import { decodeTokens, openTokenizer } from '../../../operators/tokenizers/tokenizer-file.js';
import trainBpe from '../../../operators/tokenizers/train-bpe.js';
import { batchOf, int32Column, utf8Column } from '../../../pipeline/batch/build.js';
import { readColumn } from '../../../pipeline/batch/column.js';
import { describeConformance } from '../../kit/conformance.js';
import { runOperator } from '../run-operator.js';
import { reference } from './reference.js';

const { texts, samples, prefix } = reference;
const folder = await mkdtemp(join(tmpdir(), 'alignflow-'));

beforeAll(async () => {
  await runOperator(trainBpe, { vocabulary: 400, minFrequency: 2 }, [batchOf({ caption: utf8Column(texts) })], {
    folder,
  });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const textBatch = (values: (string | null)[]) => batchOf({ caption: utf8Column(values) });

async function encoded(batch: RecordBatch, config: Partial<Encode> = {}) {
  const { out, context } = await runOperator(encode, { folder, maxTokens: 200, ...config }, [batch]);
  const column = readColumn<List<Int32>>(out[0]!, config.into ?? 'tokens', List);
  return {
    ids: Array.from({ length: out[0]!.numRows }, (_, row) => Array.from(column.get(row)!, Number)),
    dropped: context.dropped.map(({ reason }) => reason),
  };
}

describe('tokenizer/encode', () => {
  it('gives the ids of the Python library, between the marks', async () => {
    const full = samples.filter(({ text }) => text !== '');
    const { ids } = await encoded(textBatch(full.map(({ text }) => text)));
    expect(ids).toEqual(full.map((sample) => [1, ...sample.ids, 2]));
  });

  it('puts the prefix directly before each text', async () => {
    const { ids } = await encoded(textBatch(['red cat']), { prefix: 'summarize:' });
    const [own] = (await encoded(textBatch(['red cat']))).ids;
    expect(ids[0]).toEqual([1, ...prefix, ...own!.slice(1)]);
    expect(await decodeTokens(await openTokenizer(folder), ids[0]!)).toBe('summarize:red cat');
  });

  it('cuts long texts before their end mark', async () => {
    const [whole] = (await encoded(textBatch(['grinning face with red heart']))).ids;
    for (const maxTokens of [3, 5, whole!.length - 1]) {
      const { ids } = await encoded(textBatch(['grinning face with red heart']), { maxTokens });
      expect(ids[0]).toEqual([...whole!.slice(0, maxTokens - 1), 2]);
    }
    const { ids } = await encoded(textBatch(['grinning face with red heart']), { maxTokens: whole!.length });
    expect(ids[0]).toEqual(whole);
  });

  it('drops rows without text', async () => {
    const { ids, dropped } = await encoded(textBatch([null, 'cat', '']), { into: 'caption_tokens' });
    expect(dropped).toEqual(['null', 'empty']);
    expect(ids).toHaveLength(1);
  });

  it('names a tokenizer that is missing, damaged, or has other marks', async () => {
    const other = await mkdtemp(join(tmpdir(), 'alignflow-'));
    try {
      const refusal = () => encoded(textBatch(['cat']), { folder: other });
      await expect(refusal()).rejects.toThrow(/tokenizer\.json: the tokenizer cannot be read/);
      await writeFile(join(other, 'tokenizer.json'), '{"version": "1.0"');
      await expect(refusal()).rejects.toThrow(/tokenizer\.json: the tokenizer cannot be read/);
      const model = { type: 'WordLevel', vocab: { '[PAD]': 0, '[CLS]': 1, '[SEP]': 2, cat: 3 }, unk_token: '[PAD]' };
      await writeFile(join(other, 'tokenizer.json'), JSON.stringify({ version: '1.0', added_tokens: [], model }));
      await expect(refusal()).rejects.toThrow('in this tokenizer <s> is no token');
    } finally {
      await rm(other, { recursive: true, force: true });
    }
  });
});

const captions = [...texts.slice(0, 18), null, '', 'cat'];
const batch = batchOf({ id: int32Column(captions.map((_, i) => i)), caption: utf8Column(captions) });
describeConformance(encode, { batches: [batch], config: { folder, prefix: 'a:', maxTokens: 9 } }, { describe, it });
