import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';

/** A picture like a photograph, 90 x 64; test/reference/resize.py made it. */
export const photo = readFileSync(join(import.meta.dirname, '../../reference/images/photo.png'));

/** One colour, as PNG. */
export function plainImage(width: number, height: number, background: string): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer();
}

/** Raw values as PNG; 16-bit ones stay 16-bit. */
export function pngOf(values: Uint8Array | Uint16Array, width: number, channels: 1 | 2 | 3 | 4): Promise<Buffer> {
  const image = sharp(values, { raw: { width, height: values.length / width / channels, channels } });
  return (values instanceof Uint16Array ? image.toColourspace(channels < 3 ? 'grey16' : 'rgb16') : image)
    .png()
    .toBuffer();
}

/** An SVG of 32 x 32 units with a body, and perhaps a document type before it. */
export function svgOf(body: string, { doctype = '', size = 32 } = {}): Buffer {
  const attributes = `xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${size}" height="${size}"`;
  return Buffer.from(`<?xml version="1.0"?>${doctype}<svg ${attributes}>${body}</svg>`);
}

/** The PNG, with another width and height in its header and the header's checksum made right again. */
export function claimSize(png: Uint8Array, width: number, height: number): Buffer {
  const claimed = Buffer.from(png);
  claimed.writeUInt32BE(width, 16);
  claimed.writeUInt32BE(height, 20);
  claimed.writeUInt32BE(crc32(claimed.subarray(12, 29)), 29);
  return claimed;
}

function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
