import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import sharpness from '../../../operators/scores/sharpness.js';
import { batchOf, binaryColumn } from '../../../pipeline/batch/build.js';
import { describeConformance } from '../../kit/conformance.js';
import { photo, plainImage, pngOf } from '../images/samples.js';
import { runOperator, valuesOf } from '../run-operator.js';

const reference = JSON.parse(readFileSync(join(import.meta.dirname, '../../reference/sharpness.json'), 'utf8')) as {
  photo: number;
  cases: readonly { name: string; width: number; height: number; pixels: number[]; sharpness: number }[];
};

async function scoresOf(...images: readonly (Uint8Array | null)[]): Promise<unknown[]> {
  const { out, context } = await runOperator(sharpness, {}, [batchOf({ image: binaryColumn(images) })]);
  expect(context.dropped).toEqual([]);
  expect(context.budget.held).toBe(0);
  return valuesOf(out, 'sharpness');
}

describe('score/sharpness', () => {
  it.each(reference.cases)('is that of OpenCV: $name', async ({ width, pixels, sharpness }) => {
    const [score] = await scoresOf(await pngOf(Uint8Array.from(pixels), width, 3));
    expect(score).toBe(Math.fround(sharpness));
  });

  it('is that of OpenCV for a photograph, and falls as it is blurred', async () => {
    const { default: sharp } = await import('sharp');
    const blurred = await sharp(photo).blur(2).png().toBuffer();
    const [sharp_, soft] = (await scoresOf(photo, blurred)) as [number, number];
    expect(sharp_).toBe(Math.fround(reference.photo));
    expect(soft).toBeLessThan(sharp_ / 10);
  });

  it('has none for what is no image, and keeps the row', async () => {
    const plain = await plainImage(3, 3, 'red');
    expect(await scoresOf(null, Uint8Array.of(1, 2, 3), plain, new Uint8Array(0))).toEqual([null, null, 0, null]);
  });
});

const small = await plainImage(2, 2, 'blue');
describeConformance(
  sharpness,
  {
    batches: [
      batchOf({ image: binaryColumn([photo, null, Uint8Array.of(1, 2, 3), photo, small, photo, null, small, small]) }),
    ],
  },
  { describe, it },
);
