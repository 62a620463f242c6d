import { Field, FixedSizeBinary, type RecordBatch } from 'apache-arrow';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import imageDecode from '../../operators/images/decode.js';
import { pixelsField } from '../../operators/images/pixels.js';
import { batchOf, binaryColumn, fixedBinaryColumn, utf8Column } from '../../pipeline/batch/build.js';
import { withColumn } from '../../pipeline/batch/columns.js';
import { createBudget } from '../../pipeline/graph/budget.js';
import { createRandom } from '../../pipeline/run/random.js';
import { drawPicture, drawRow } from '../../stages/picture.js';
import { claimSize, photo, plainImage, svgOf } from '../operators/images/samples.js';
import { runOperator } from '../operators/run-operator.js';

const context = () => ({ signal: new AbortController().signal, budget: createBudget(1e9) });
const encoded = (image: Uint8Array | null) => batchOf({ caption: utf8Column(['x']), image: binaryColumn([image]) });

async function drawn(row: RecordBatch) {
  const picture = await drawRow(row, context());
  if (picture === undefined) return undefined;
  const { data, info } = await sharp(picture).raw().toBuffer({ resolveWithObject: true });
  const { format } = await sharp(picture).metadata();
  return { format, width: info.width, height: info.height, bytes: picture.length, red: data[0]! };
}

describe('a picture', () => {
  it('is small, whatever the image is', async () => {
    const random = createRandom(1);
    const pixels = Uint8Array.from({ length: 1600 * 1200 * 3 }, () => random.integer(256));
    const noise = await sharp(pixels, { raw: { width: 1600, height: 1200, channels: 3 } })
      .jpeg({ quality: 100 })
      .toBuffer();
    expect(noise.length).toBeGreaterThan(2_000_000);
    const picture = await drawn(encoded(noise));
    expect(picture).toMatchObject({ format: 'webp', width: 96, height: 72 });
    expect(picture!.bytes).toBeLessThan(20_000);
    expect(await drawn(encoded(await plainImage(1, 3000, '#ff0000')))).toMatchObject({ width: 1, height: 96 });
    expect(await drawn(encoded(await plainImage(7, 5, '#ff0000')))).toMatchObject({ width: 7, height: 5 });
    const raster = { height: 1200, width: 1600, pixels };
    expect((await drawPicture(raster)).length).toBeLessThan(20_000);
  });

  it.each([
    ['PNG', () => photo],
    ['WebP', () => sharp(photo).webp().toBuffer()],
    ['SVG', () => svgOf('<rect width="32" height="32" fill="#f00"/>')],
  ])('is made of %s', async (_, image) => {
    expect(await drawn(encoded(await image()))).toMatchObject({ format: 'webp' });
  });

  it('is not made of what does not decode, claims to be huge or is not there', async () => {
    const png = await plainImage(20, 20, '#ff0000');
    for (const image of [
      Buffer.from('no image'),
      png.subarray(0, 40),
      claimSize(png, 60_000, 60_000),
      new Uint8Array(0),
      null,
    ])
      expect(await drawn(encoded(image))).toBeUndefined();
    expect(await drawn(batchOf({ caption: utf8Column(['x']) }))).toBeUndefined();
  });

  it('is the first that can be read: other bytes, hashes and broken images are passed over', async () => {
    const bytes = { hash: fixedBinaryColumn(12, [new Uint8Array(12)]), blob: binaryColumn([Buffer.from('blob')]) };
    const pixels = fixedBinaryColumn(2 * 3 * 3, [new Uint8Array(18).fill(200)]);
    const row = withColumn(batchOf(bytes), pixelsField('pixels', 2, 3), pixels);
    const picture = await drawn(row);
    expect(picture).toMatchObject({ width: 3, height: 2 });
    expect(Math.abs(picture!.red - 200)).toBeLessThan(4);
    const missing = fixedBinaryColumn(18, [null]);
    expect(await drawn(withColumn(batchOf(bytes), pixelsField('pixels', 2, 3), missing))).toBeUndefined();
    const wrong = new Field('pixels', new FixedSizeBinary(18), true, new Map([['alignflow.shape', '9,9,3']]));
    expect(await drawn(withColumn(batchOf(bytes), wrong, pixels))).toBeUndefined();
  });

  it('is made of what image/decode made', async () => {
    const { out } = await runOperator(imageDecode, {}, [encoded(await plainImage(6, 4, '#ff0000'))]);
    expect(await drawn(out[0]!)).toMatchObject({ width: 6, height: 4 });
  });

  it('holds the bytes that it decodes, and lets them go', async () => {
    const given = context();
    await drawRow(encoded(photo), given);
    expect([given.budget.held, given.budget.peak]).toEqual([0, 90 * 64 * 3]);
  });
});
