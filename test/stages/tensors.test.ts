import type { RecordBatch } from 'apache-arrow';
import { beforeAll, describe, expect, it } from 'vitest';
import { pixelsField } from '../../operators/images/pixels.js';
import { batchOf, fixedBinaryColumn, int32ListColumn } from '../../pipeline/batch/build.js';
import { withColumn } from '../../pipeline/batch/columns.js';
import { sliceBatch } from '../../pipeline/batch/concat.js';
import { startBackend } from '../../stages/backend/start.js';
import { normalisePixels } from '../../stages/models/ops/normalise-pixels.js';
import { pixelTensor, textInputs, tokenIds } from '../../stages/tensors.js';

beforeAll(() => startBackend());

function tokens(...lists: (number[] | null)[]) {
  return batchOf({ tokens: int32ListColumn(lists) });
}

function images(...rows: (number[] | null)[]) {
  const column = fixedBinaryColumn(
    12,
    rows.map((row) => row && Uint8Array.from(row)),
  );
  return withColumn(batchOf({ pixels: column }), pixelsField('pixels', 2, 2), column);
}

describe('tokenIds', () => {
  it('pads with 0 and cuts before the end mark', () => {
    const { ids, lengths } = tokenIds(tokens([1, 5, 2], [1, 5, 6, 7, 8, 2], [1, 5, 6, 2]), 'tokens', 4, 9);
    expect([...ids]).toEqual([1, 5, 2, 0, 1, 5, 6, 2, 1, 5, 6, 2]);
    expect([...lengths]).toEqual([3, 4, 4]);
  });

  it('says where the end marks are', () => {
    const { tokens: ids, ends } = textInputs(tokenIds(tokens([1, 2], [1, 5, 6, 2]), 'tokens', 4, 9));
    expect(ids.shape).toEqual([2, 4]);
    expect([...ends.dataSync()]).toEqual([1, 3]);
  });

  it('reads a slice', () => {
    const { ids } = tokenIds(sliceBatch(tokens([1, 5, 2], [1, 6, 2], [1, 7, 2]), 1, 3), 'tokens', 3, 9);
    expect([...ids]).toEqual([1, 6, 2, 1, 7, 2]);
  });

  it.each([[null], [[]]])('names the row that has %s', (list) => {
    expect(() => tokenIds(tokens([1, 2], list), 'tokens', 4, 9)).toThrow(/row 1: column tokens has no tokens/);
  });
});

describe('token ids that the model does not know', () => {
  it.each([
    [9, 9],
    [-1, 9],
  ])('%i of %i is refused, with its row', (id, vocabulary) => {
    expect(() => tokenIds(tokens([1, 2], [1, id, 2]), 'tokens', 4, vocabulary)).toThrow(
      `row 1: column tokens has the token ${id}\n  expected: ids from 0 to 8, the model's vocabulary`,
    );
  });
});

describe('pixelTensor', () => {
  const row = [255, 0, 51, 0, 255, 102, 255, 0, 51, 0, 255, 102];
  const none = { mean: [0, 0, 0], deviation: [1 / 255, 1 / 255, 1 / 255] } as const;
  const bytes = (batch: RecordBatch) =>
    [...normalisePixels(pixelTensor(batch, 'pixels'), none).dataSync()].map(Math.round);

  it('has the bytes of each image, those of a slice too', () => {
    expect(pixelTensor(images(row), 'pixels').shape).toEqual([1, 2, 2, 3]);
    expect(bytes(images(row))).toEqual(row);
    const rows = images(
      row,
      row.map((value) => 255 - value),
      row,
    );
    expect(bytes(sliceBatch(rows, 1, 2))).toEqual(row.map((value) => 255 - value));
  });

  it('names a row without an image', () => {
    expect(() => pixelTensor(images(row, null, row), 'pixels')).toThrow(
      /row 1: column pixels has no image[\s\S]*image\/resize/,
    );
  });
});
