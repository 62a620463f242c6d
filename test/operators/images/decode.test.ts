import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Binary, Field, Schema } from 'apache-arrow';
import sharp from 'sharp';
import { describe, expect, it, vi } from 'vitest';
import decode, { type ImageDecode } from '../../../operators/images/decode.js';
import { batchOf, binaryColumn, int32Column } from '../../../pipeline/batch/build.js';
import { describeConformance } from '../../kit/conformance.js';
import { runOperator } from '../run-operator.js';
import { claimSize, photo, plainImage, pngOf, svgOf } from './samples.js';

/** What comes out for one image: size and pixels, or the reason and the detail. */
async function decoded(image: Uint8Array | null, config: Partial<ImageDecode> = {}): Promise<unknown> {
  const { out, context } = await runOperator(decode, config, [batchOf({ image: binaryColumn([image]) })]);
  const [drop] = context.dropped;
  expect(context.budget.held).toBe(0);
  if (drop !== undefined) return [drop.reason, drop.detail];
  const row = out[0]!.getChild('image')?.get(0) as { height: number; width: number; pixels: Uint8Array };
  return { size: [row.width, row.height], pixels: [...row.pixels] };
}

const red = [255, 0, 0];
const noise = sharp({
  create: { width: 64, height: 64, channels: 3, background: 'red', noise: { type: 'gaussian', mean: 128, sigma: 30 } },
});

describe('image/decode', () => {
  it('reads every pixel, and images of one pixel', async () => {
    const pixels = Uint8Array.from({ length: 24 }, (_, i) => i * 10);
    expect(await decoded(await pngOf(pixels, 4, 3))).toEqual({ size: [4, 2], pixels: [...pixels] });
    expect(await decoded(await plainImage(1, 1, 'red'))).toEqual({ size: [1, 1], pixels: red });
  });

  it('lays transparent parts over the background', async () => {
    const half = await pngOf(Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 255), 2, 4);
    expect(await decoded(half)).toEqual({ size: [2, 1], pixels: [255, 255, 255, ...red] });
    expect(await decoded(half, { background: '#0000ff' })).toEqual({ size: [2, 1], pixels: [0, 0, 255, ...red] });
    const grey = await pngOf(Uint8Array.of(100, 255, 100, 0), 2, 2);
    expect(await decoded(grey)).toEqual({ size: [2, 1], pixels: [100, 100, 100, 255, 255, 255] });
  });

  it('converts 16 bits, grey and CMYK', async () => {
    const deep = await pngOf(Uint16Array.of(0, 128 * 257, 65535), 1, 3);
    expect(await decoded(deep)).toEqual({ size: [1, 1], pixels: [0, 128, 255] });
    expect(await decoded(await pngOf(Uint8Array.of(7), 1, 1))).toEqual({ size: [1, 1], pixels: [7, 7, 7] });
    const cmyk = await sharp(await plainImage(8, 8, 'red'))
      .toColourspace('cmyk')
      .jpeg()
      .toBuffer();
    const { size, pixels } = (await decoded(cmyk)) as { size: number[]; pixels: number[] };
    expect(size).toEqual([8, 8]);
    expect(pixels[0]).toBeGreaterThan(200);
    expect(Math.max(pixels[1]!, pixels[2]!)).toBeLessThan(40);
  });

  it('turns an image as its EXIF orientation says', async () => {
    const column = await pngOf(Uint8Array.of(0, 80, 160, 240, 240, 240, 240, 240), 4, 1);
    const turned = await sharp(column).withMetadata({ orientation: 6 }).tiff({ compression: 'none' }).toBuffer();
    const { size, pixels } = (await decoded(turned)) as { size: number[]; pixels: number[] };
    expect(size).toEqual([2, 4]);
    expect(pixels.filter((_, i) => i % 3 === 0)).toEqual([240, 0, 240, 80, 240, 160, 240, 240]);
  });

  it('takes the first frame of an animation', async () => {
    const frames = Buffer.concat([50, 200].map((value) => Buffer.alloc(4 * 4 * 3, value)));
    const gif = await sharp(frames, { raw: { width: 4, height: 8, channels: 3, pageHeight: 4 } })
      .gif()
      .toBuffer();
    expect(await decoded(gif)).toEqual({ size: [4, 4], pixels: new Array(48).fill(50) });
  });

  it('draws SVG at the density asked for', async () => {
    const green = svgOf('<rect width="32" height="32" fill="#00ff00"/>');
    expect(await decoded(green)).toMatchObject({ size: [32, 32] });
    const { size, pixels } = (await decoded(green, { density: 36 })) as { size: number[]; pixels: number[] };
    expect(size).toEqual([16, 16]);
    expect(pixels.slice(0, 3)).toEqual([0, 255, 0]);
  });

  it('drops what is null, empty, cut off or no image', async () => {
    expect(await decoded(null)).toEqual(['null', undefined]);
    expect(await decoded(new Uint8Array(0))).toEqual(['undecodable', '0 bytes']);
    expect(await decoded(Buffer.from('a text'))).toMatchObject(['undecodable', expect.any(String)]);
    const png = await noise.clone().png().toBuffer();
    expect(await decoded(png.subarray(0, png.length / 2))).toMatchObject([
      'undecodable',
      expect.stringContaining('png'),
    ]);
    const jpeg = await noise.clone().jpeg().toBuffer();
    expect(await decoded(jpeg.subarray(0, jpeg.length / 2))).toMatchObject(['undecodable', expect.any(String)]);
  });

  it('drops what is too large, by the header alone', async () => {
    const bomb = claimSize(await plainImage(2, 2, 'red'), 60_000, 60_000);
    expect(await decoded(bomb)).toEqual(['pixels', '60000 x 60000 pixels']);
    expect(await decoded(photo, { maxPixels: 90 * 64 })).toMatchObject({ size: [90, 64] });
    expect(await decoded(photo, { maxPixels: 90 * 64 - 1 })).toEqual(['pixels', '90 x 64 pixels']);
    expect(await decoded(photo, { maxBytes: 1000 })).toEqual(['bytes', `${photo.length} bytes`]);
    expect(await decoded(svgOf('', { size: 30_000 }))).toEqual(['pixels', '30000 x 30000 pixels']);
  });

  it('never expands entities of an SVG', async () => {
    const entities = Array.from({ length: 9 }, (_, i) => `<!ENTITY e${i + 1} "${`&e${i};`.repeat(10)}">`).join('');
    const doctype = `<!DOCTYPE svg [<!ENTITY e0 "<rect/>">${entities}]>`;
    expect(await decoded(svgOf('&e9;', { doctype }))).toMatchObject(['undecodable', expect.any(String)]);
    const file = '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/hostname">]>';
    expect(await decoded(svgOf('<text>&x;</text>', { doctype: file }))).toMatchObject([
      'undecodable',
      expect.any(String),
    ]);
  });

  it('never fetches what an SVG refers to', async () => {
    const asked = vi.fn();
    const server = createServer((_, response) => {
      asked();
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const folder = await mkdtemp(join(tmpdir(), 'alignflow-'));
    try {
      const file = join(folder, 'red.png');
      await writeFile(file, await plainImage(32, 32, 'red'));
      const { port } = server.address() as AddressInfo;
      const image = (href: string) => `<image xlink:href="${href}" width="32" height="32"/>`;
      const svg = svgOf(image(`http://127.0.0.1:${port}/red.png`) + image(`file://${file}`));
      const { pixels } = (await decoded(svg)) as { pixels: number[] };
      expect(new Set(pixels)).toEqual(new Set([255]));
      expect(asked).not.toHaveBeenCalled();
    } finally {
      await rm(folder, { recursive: true, force: true });
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('decodes neighbours with the same bytes once', async () => {
    const a = await plainImage(2, 2, 'red');
    const b = await plainImage(2, 2, 'blue');
    const rows = [a, Buffer.from(a), null, a, b, a];
    const metadata = vi.spyOn(sharp.prototype as { metadata(): unknown }, 'metadata');
    const { out } = await runOperator(decode, {}, [batchOf({ image: binaryColumn(rows) })]);
    expect(metadata).toHaveBeenCalledTimes(3);
    metadata.mockRestore();
    const first = Array.from({ length: 5 }, (_, row) => out[0]!.getChild('image')?.get(row)?.pixels[0] as number);
    expect(first).toEqual([255, 255, 255, 0, 255]);
  });

  it('refuses a background that is no colour', () => {
    const schema = new Schema([new Field('image', new Binary(), true)]);
    const config = { ...(decode.defaults as unknown as ImageDecode), background: 'white' };
    expect(() => decode.writes(schema, config)).toThrow('"white" is not a colour');
  });
});

const images = await Promise.all([
  plainImage(3, 2, 'red'),
  plainImage(3, 2, 'red'),
  plainImage(1, 1, 'blue'),
  pngOf(
    Uint8Array.from({ length: 96 }, (_, i) => i),
    8,
    3,
  ),
]);
const rows = Array.from({ length: 40 }, (_, i) =>
  i % 7 === 6 ? null : i % 9 === 8 ? Buffer.from('no image') : images[i % 4]!,
);
const batch = batchOf({ id: int32Column(rows.map((_, i) => i)), image: binaryColumn(rows) });

describeConformance(decode, { batches: [batch] }, { describe, it });
describeConformance(decode, { batches: [batch], config: { into: 'raster' } }, { describe, it });
