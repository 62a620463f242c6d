/**
 * The size of an encoded image, from its first bytes: nothing is decoded, so an image that claims 60,000 x 60,000 pixels
 * costs no more than any other. Every read is bounded, whatever the bytes say.
 *
 * Sources: PNG (third edition, 11.2.1), GIF89a (section 18), JPEG (ITU-T T.81, annex B), WebP (RFC 9649), AVIF and HEIF
 * (ISO/IEC 14496-12 boxes, 23008-12 `ispe`).
 */
export interface ImageHeader {
  readonly format: 'png' | 'jpeg' | 'webp' | 'gif' | 'heif';
  /** As stored; a JPEG that is turned by its EXIF orientation has them the other way round. */
  readonly width: number;
  readonly height: number;
}

/** The header of PNG, JPEG, WebP, GIF, AVIF or HEIF bytes; undefined for anything else, or where the size is not in them. */
export function readImageHeader(bytes: Uint8Array): ImageHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = png(view) ?? jpeg(view) ?? webp(view) ?? gif(view) ?? heif(view);
  return header !== undefined && header.width > 0 && header.height > 0 ? header : undefined;
}

/** Four bytes as text would have them: `tag('RIFF')`. */
function tag(text: string): number {
  return [...text].reduce((word, letter) => word * 256 + letter.charCodeAt(0), 0);
}

const TAG = {
  png: tag('\x89PNG'),
  ihdr: tag('IHDR'),
  gif: tag('GIF8'),
  riff: tag('RIFF'),
  webp: tag('WEBP'),
  vp8: tag('VP8 '),
  vp8l: tag('VP8L'),
  vp8x: tag('VP8X'),
  ftyp: tag('ftyp'),
  ispe: tag('ispe'),
};

function png(view: DataView): ImageHeader | undefined {
  if (view.byteLength < 24 || view.getUint32(0) !== TAG.png || view.getUint32(12) !== TAG.ihdr) return undefined;
  return { format: 'png', width: view.getUint32(16), height: view.getUint32(20) };
}

function gif(view: DataView): ImageHeader | undefined {
  if (view.byteLength < 10 || view.getUint32(0) !== TAG.gif) return undefined;
  return { format: 'gif', width: view.getUint16(6, true), height: view.getUint16(8, true) };
}

/** Goes from segment to segment to the frame header (SOF0 to SOF15 but DHT, JPG and DAC), which stands before the scan. */
function jpeg(view: DataView): ImageHeader | undefined {
  if (view.byteLength < 4 || view.getUint16(0) !== 0xffd8) return undefined;
  let at = 2;
  while (at + 9 <= view.byteLength) {
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) at += 1;
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2;
    else if (marker === 0xd9 || marker === 0xda) return undefined;
    else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc)
      return { format: 'jpeg', height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    else at += 2 + Math.max(2, view.getUint16(at + 2));
  }
  return undefined;
}

function webp(view: DataView): ImageHeader | undefined {
  if (view.byteLength < 30 || view.getUint32(0) !== TAG.riff || view.getUint32(8) !== TAG.webp) return undefined;
  const format = 'webp';
  switch (view.getUint32(12)) {
    case TAG.vp8:
      return { format, width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
    case TAG.vp8l: {
      const bits = view.getUint32(21, true);
      return { format, width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case TAG.vp8x:
      return { format, width: uint24(view, 24) + 1, height: uint24(view, 27) + 1 };
    default:
      return undefined;
  }
}

function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) + view.getUint8(at + 2) * 65536;
}

/** How far into the file the `meta` box is searched for sizes: writers put it first. */
const META_BYTES = 65536;

/** The largest `ispe` property: that of the whole image, where a grid of tiles has one for the tiles as well. */
function heif(view: DataView): ImageHeader | undefined {
  if (view.byteLength < 12 || view.getUint32(4) !== TAG.ftyp) return undefined;
  let largest: ImageHeader | undefined;
  for (let at = 12; at + 16 <= Math.min(view.byteLength, META_BYTES); at++) {
    if (view.getUint32(at) !== TAG.ispe || view.getUint32(at - 4) !== 20) continue;
    const [width, height] = [view.getUint32(at + 8), view.getUint32(at + 12)];
    if (largest === undefined || width * height > largest.width * largest.height)
      largest = { format: 'heif', width, height };
  }
  return largest;
}
