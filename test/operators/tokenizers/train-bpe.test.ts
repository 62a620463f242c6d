import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { beginId, decodeTokens, endId, openTokenizer, padId } from '../../../operators/tokenizers/tokenizer-file.js';
import trainBpe, { type TrainBpe } from '../../../operators/tokenizers/train-bpe.js';
import { batchOf, int32Column, utf8Column } from '../../../pipeline/batch/build.js';
import { sliceBatch } from '../../../pipeline/batch/concat.js';
import { streamDifference } from '../../../pipeline/batch/equal.js';
import { describeConformance } from '../../kit/conformance.js';
import { runOperator } from '../run-operator.js';
import { reference } from './reference.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alignflow-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const { texts, trainings, vocab, samples } = reference;
const rows = batchOf({ id: int32Column(texts.map((_, i) => i)), caption: utf8Column(texts) });

async function trained(config: Partial<TrainBpe>, batches = [rows]): Promise<string> {
  await runOperator(trainBpe, config, batches, { folder });
  return await readFile(join(folder, 'tokenizer.json'), 'utf8');
}

describe('tokenizer/train-bpe', () => {
  it.each(trainings)(
    'learns what the library learns in Python: $vocabulary tokens, pairs of at least $minFrequency',
    async ({ vocabulary, minFrequency, merges, tokens }) => {
      const { model } = JSON.parse(await trained({ vocabulary, minFrequency }));
      expect(model.merges).toEqual(merges);
      expect(Object.keys(model.vocab)).toHaveLength(tokens);
    },
  );

  it('writes a file that encodes as the one made in Python, and decodes', async () => {
    await trained({ vocabulary: 400, minFrequency: 2 });
    const tokenizer = await openTokenizer(folder);
    expect(tokenizer.getVocab(true)).toEqual(vocab);
    for (const { text, ids } of samples) {
      const encoding = await tokenizer.encode(text, null, { addSpecialTokens: false });
      expect(encoding.getIds(), text).toEqual(ids);
      // Of itself, the file puts the marks around a text, for other programs that read it.
      expect((await tokenizer.encode(text)).getIds()).toEqual([beginId, ...ids, endId]);
      if (!text.includes('<s>'))
        expect(await decodeTokens(tokenizer, [beginId, ...ids, endId, padId])).toBe(text.trim());
    }
  });

  it('learns the same whatever the batches, and passes them on', async () => {
    const whole = await trained({ vocabulary: 400 });
    const parts = [0, 7, 150].map((start, i, all) => sliceBatch(rows, start, all[i + 1] ?? rows.numRows));
    expect(await trained({ vocabulary: 400 }, parts)).toBe(whole);
    const { out } = await runOperator(trainBpe, {}, parts, { folder });
    expect(streamDifference(parts, out)).toBeUndefined();
    expect(await readdir(folder)).toEqual(['tokenizer.json']);
  });

  it('learns from each text behind each prefix', async () => {
    const captions = batchOf({ caption: utf8Column(['cat', 'cat', null]) });
    const { model } = JSON.parse(await trained({ prefixes: ['', 'a:'], minFrequency: 3 }, [captions]));
    expect(model.merges).toEqual([
      ['a', 't'],
      ['c', 'at'],
    ]);
  });

  it('makes a tokenizer of bytes when there is no text', async () => {
    const { model } = JSON.parse(await trained({}, [sliceBatch(rows, 0, 0)]));
    expect(Object.keys(model.vocab)).toHaveLength(259);
  });

  it('writes nothing when its source breaks off', async () => {
    await rm(join(folder, 'tokenizer.json'), { force: true });
    const number = batchOf({ caption: int32Column([1]) });
    await expect(trained({}, [rows, number])).rejects.toThrow('the column "caption" has the type Int32');
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('conformance', async () => {
  const scratch = await mkdtemp(join(tmpdir(), 'alignflow-'));
  afterAll(() => rm(scratch, { recursive: true, force: true }));
  const batches = [sliceBatch(rows, 0, 30)];
  describeConformance(trainBpe, { batches, config: { vocabulary: 270 }, folder: scratch }, { describe, it });
});
