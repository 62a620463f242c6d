import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import decode from '../../../operators/images/decode.js';
import { pixelsShape } from '../../../operators/images/pixels.js';
import resize, { type ImageResize } from '../../../operators/images/resize.js';
import { batchOf, binaryColumn, int32Column, structColumn } from '../../../pipeline/batch/build.js';
import { describeConformance } from '../../kit/conformance.js';
import { runOperator } from '../run-operator.js';
import { photo, plainImage, pngOf, svgOf } from './samples.js';

/** By size, then by mode and kernel, what PIL made of the photograph, in base64. */
const reference = JSON.parse(
  await readFile(join(import.meta.dirname, '../../reference/images/resized.json'), 'utf8'),
) as Record<string, Record<string, string>>;

async function resized(image: Uint8Array, config: Partial<ImageResize>): Promise<Buffer> {
  const { out } = await runOperator(resize, { into: 'pixels', ...config }, [batchOf({ image: binaryColumn([image]) })]);
  return Buffer.from(out[0]!.getChild('pixels')?.get(0) as Uint8Array);
}

describe('image/resize', () => {
  const cases = Object.entries(reference).flatMap(([size, made]) =>
    Object.entries(made).map(([name, base64]) => [Number(size), name, base64] as const),
  );

  it.each(cases)('gives the pixels of PIL: %i, %s', async (size, name, base64) => {
    const [mode, kernel] = name.split(' ') as [ImageResize['mode'], ImageResize['kernel']];
    expect((await resized(photo, { size, mode, kernel })).equals(Buffer.from(base64, 'base64'))).toBe(true);
  });

  it('gives the same from a decoded image', async () => {
    const { out } = await runOperator(decode, {}, [batchOf({ image: binaryColumn([photo]) })]);
    const { out: small } = await runOperator(resize, { size: 24 }, out);
    const pixels = Buffer.from(small[0]!.getChild('image')?.get(0) as Uint8Array);
    expect(pixels.toString('base64')).toBe(reference[24]?.['stretch bicubic']);
    expect(pixelsShape(small[0]!.schema.fields[0]!)).toEqual({ height: 24, width: 24 });
  });

  it('leaves an image of the right size as it is, and takes the extremes', async () => {
    const pixels = Uint8Array.from({ length: 48 }, (_, i) => i * 5);
    expect([...(await resized(await pngOf(pixels, 4, 3), { size: 4 }))]).toEqual([...pixels]);
    const line = await plainImage(2000, 1, 'red');
    for (const mode of ['stretch', 'cover'] as const) {
      expect([...(await resized(line, { size: 2, mode }))]).toEqual([255, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0]);
    }
    const padded = await resized(line, { size: 3, mode: 'pad', background: '#000000' });
    expect([...padded].filter((value) => value === 255)).toHaveLength(3);
    expect([...(await resized(await plainImage(1, 1, 'red'), { size: 2 }))]).toEqual(Array(4).fill([255, 0, 0]).flat());
  });

  it('takes the nearest pixel', async () => {
    const row = await pngOf(Uint8Array.of(0, 50, 100, 150, 200, 250), 6, 1);
    const values = (await resized(row, { size: 4, kernel: 'nearest' })).filter((_, i) => i % 3 === 0);
    expect([...values.subarray(0, 4)]).toEqual([0, 100, 150, 250]);
  });

  it('draws SVG at the density asked for, so that edges stay sharp', async () => {
    const half = svgOf('<rect width="16" height="32" fill="#ff0000"/>');
    const pixels = await resized(half, { size: 64, density: 144 });
    const row = Array.from({ length: 64 }, (_, x) => pixels[x * 3 + 1]);
    expect(row).toEqual([...new Array(32).fill(0), ...new Array(32).fill(255)]);
  });

  it('drops images that do not decode, and decoded ones whose pixels are not all there', async () => {
    const encoded = batchOf({ image: binaryColumn([null, Buffer.from('no'), photo]) });
    const first = await runOperator(resize, { size: 2, maxPixels: 100 }, [encoded]);
    expect(first.context.dropped.map(({ reason }) => reason)).toEqual(['null', 'undecodable', 'pixels']);
    const broken = batchOf({
      image: structColumn(
        {
          height: int32Column([2, 1, 1]),
          width: int32Column([2, 1, null]),
          pixels: binaryColumn([new Uint8Array(11), Uint8Array.of(1, 2, 3), new Uint8Array(3)]),
        },
        [true, true, true],
      ),
    });
    const second = await runOperator(resize, { size: 1 }, [broken]);
    expect(second.context.dropped.map(({ reason, detail }) => [reason, detail])).toEqual([
      ['undecodable', '11 bytes for 2 x 2 pixels'],
      ['null', undefined],
    ]);
    expect(second.out[0]!.getChild('image')?.get(0)).toEqual(Uint8Array.of(1, 2, 3));
  });
});

const images = [await plainImage(3, 2, 'red'), await plainImage(5, 9, 'blue'), photo];
const rows = Array.from({ length: 20 }, (_, i) => (i % 7 === 6 ? null : i === 8 ? Buffer.from('no') : images[i % 3]!));
const batch = batchOf({ id: int32Column(rows.map((_, i) => i)), image: binaryColumn(rows) });

describeConformance(resize, { batches: [batch], config: { size: 4, mode: 'pad' } }, { describe, it });
describeConformance(resize, { batches: [batch], config: { size: 4, into: 'pixels' } }, { describe, it });
