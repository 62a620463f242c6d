import { beforeAll, describe, expect, it } from 'vitest';
import { pixelsField } from '../../operators/images/pixels.js';
import { batchOf, fixedBinaryColumn, int32ListColumn } from '../../pipeline/batch/build.js';
import { withColumn } from '../../pipeline/batch/columns.js';
import { sliceBatch } from '../../pipeline/batch/concat.js';
import { startBackend } from '../../stages/backend/start.js';
import { imageTensor, textInputs, tokenIds } from '../../stages/tensors.js';

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

describe('imageTensor', () => {
  const statistics = { mean: [0.5, 0.25, 0], deviation: [0.5, 1, 2] } as const;
  const row = [255, 0, 51, 0, 255, 102, 255, 0, 51, 0, 255, 102];

  it('normalises each channel', () => {
    const tensor = imageTensor(images(row), 'pixels', statistics);
    expect(tensor.shape).toEqual([1, 2, 2, 3]);
    const expected = [1, -0.25, 0.1, -1, 0.75, 0.2].map(Math.fround);
    expect([...tensor.dataSync()]).toEqual([...expected, ...expected]);
  });

  it('reads a slice', () => {
    const batch = sliceBatch(
      images(
        row,
        row.map(() => 0),
        row,
      ),
      1,
      2,
    );
    const [red, green, blue] = imageTensor(batch, 'pixels', statistics).dataSync();
    expect([red, green, blue]).toEqual([-1, -0.25, 0]);
  });

  it('names a row without an image', () => {
    expect(() => imageTensor(images(row, null, row), 'pixels', statistics)).toThrow(
      /row 1: column pixels has no image[\s\S]*image\/resize/,
    );
  });
});
