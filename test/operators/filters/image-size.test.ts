import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import imageSize from '../../../operators/filters/image-size.js';
import { readImageHeader } from '../../../operators/images/header.js';
import { batchOf, binaryColumn, int32Column } from '../../../pipeline/batch/build.js';
import { createRandom } from '../../../pipeline/run/random.js';
import { describeConformance } from '../../kit/conformance.js';
import { declare, runOperator } from '../run-operator.js';

/** An image of one colour in some format. */
function encode(width: number, height: number, format: 'png' | 'jpeg' | 'webp' | 'gif' | 'avif'): Promise<Uint8Array> {
  const image = sharp({ create: { width, height, channels: 3, background: '#4a6' } });
  return image.toFormat(format).toBuffer();
}

/** A PNG whose header claims any size. */
async function claim(width: number, height: number): Promise<Uint8Array> {
  const bytes = Uint8Array.from(await encode(8, 8, 'png'));
  const view = new DataView(bytes.buffer);
  view.setUint32(16, width);
  view.setUint32(20, height);
  return bytes;
}

const images = await Promise.all([
  encode(64, 64, 'png'),
  encode(40, 50, 'jpeg'),
  encode(8, 8, 'webp'),
  claim(60000, 60000),
  encode(200, 33, 'gif'),
  claim(1, 400),
  claim(9000, 2000),
]);
const batch = batchOf({
  image: binaryColumn([...images, null, new Uint8Array(0), Uint8Array.of(1, 2, 3), images[0]!]),
});
describeConformance(imageSize, { batches: [batch] }, { describe, it });

describe('readImageHeader', () => {
  it.each(['png', 'jpeg', 'webp', 'gif', 'avif'] as const)('reads the size of %s as sharp does', async (format) => {
    for (const [width, height] of [
      [1, 1],
      [37, 300],
      [640, 481],
    ] as const) {
      const bytes = await encode(width, height, format);
      const { width: w, height: h } = await sharp(bytes).metadata();
      expect(readImageHeader(bytes)).toMatchObject({ width: w, height: h });
    }
  });

  it('reads lossless and extended WebP, and progressive JPEG with metadata before it', async () => {
    const noise = {
      create: { width: 99, height: 55, channels: 4, background: { r: 9, g: 8, b: 7, alpha: 0.5 } },
    } as const;
    const lossless = await sharp(noise).webp({ lossless: true }).toBuffer();
    const extended = await sharp(noise)
      .webp()
      .withExif({ IFD0: { Artist: 'a' } })
      .toBuffer();
    const progressive = await sharp(noise)
      .jpeg({ progressive: true })
      .withExif({ IFD0: { Artist: 'b'.repeat(9999) } })
      .toBuffer();
    for (const bytes of [lossless, extended, progressive])
      expect(readImageHeader(bytes)).toMatchObject({ width: 99, height: 55 });
  });

  it('ends, and never reads outside, on cut and on damaged bytes', async () => {
    const random = createRandom(7);
    for (const whole of [...images, await encode(50, 60, 'avif')]) {
      for (let i = 0; i < 200; i++) {
        const bytes = Uint8Array.from(whole.subarray(0, random.integer(Math.min(whole.length, 400))));
        for (let j = 0; j < 3 && bytes.length > 12; j++)
          bytes[12 + random.integer(bytes.length - 12)] = random.integer(256);
        const header = readImageHeader(bytes);
        expect(header === undefined || (header.width > 0 && header.height > 0)).toBe(true);
      }
    }
    expect(readImageHeader(new Uint8Array(0))).toBeUndefined();
    expect(
      readImageHeader(Uint8Array.from({ length: 100000 }, (_, i) => (i < 2 ? [0xff, 0xd8][i]! : 0xff))),
    ).toBeUndefined();
  });
});

describe('filter/image-size', () => {
  it('says why each image goes, and drops what claims absurd sizes unseen', async () => {
    const { out, reasons } = await runOperator(imageSize, { maxSide: 8000 }, [batch]);
    expect(reasons).toEqual(['small', 'pixels', 'elongated', 'elongated', 'large', 'null', 'unreadable', 'unreadable']);
    expect(out[0]!.numRows).toBe(3);
  });

  it('measures last what was wrong', async () => {
    const { context } = await runOperator(imageSize, {}, [
      batchOf({ image: binaryColumn([await claim(60000, 60000)]) }),
    ]);
    expect(context.measured).toEqual([{ name: 'pixels', value: 3.6e9, threshold: 25_000_000 }]);
  });

  it('takes sizes from columns, without a column of images', async () => {
    const sizes = batchOf({ w: int32Column([100, 10, null, 0]), h: int32Column([100, 20, 5, 7]) });
    const { reasons } = await runOperator(imageSize, { width: 'w', height: 'h' }, [sizes]);
    expect(reasons).toEqual(['small', 'null', 'unreadable']);
    expect(Object.keys(imageSize.reads({ ...imageSize.defaults, width: 'w', height: 'h' } as never))).toEqual([
      'w',
      'h',
    ]);
  });

  it('refuses one side alone and bounds that keep nothing', () => {
    expect(() => declare(imageSize, { width: 'w' }, batch)).toThrow('width names a column');
    expect(() => declare(imageSize, { minSide: 100, maxSide: 99 }, batch)).toThrow('no image has sides');
    expect(() => declare(imageSize, { minSide: 100, maxPixels: 9999 }, batch)).toThrow('no image has sides');
  });
});
