/** Encoded images to pixels, through sharp (libvips), off the main thread. */
import type { Binary, Vector } from 'apache-arrow';
import type sharp from 'sharp';
import { AlignflowError } from '../../pipeline/errors.js';
import type { MemoryBudget } from '../../pipeline/graph/budget.js';

let loading: Promise<typeof sharp> | undefined;

/** sharp, loaded with the first image: a plan needs none. */
function loadSharp(): Promise<typeof sharp> {
  loading ??= import('sharp').then(({ default: sharp }) => {
    // Many small images side by side are faster than one image on many threads, and none is decoded twice.
    sharp.concurrency(1);
    sharp.cache(false);
    return sharp;
  });
  return loading;
}

/** Images under way at once in one batch. */
const IN_FLIGHT = 4;

/** An image that cannot be used, and why. */
export interface Failure {
  readonly reason: 'null' | 'undecodable' | 'pixels' | 'bytes';
  readonly detail?: string;
}

/** How encoded images are read. */
export interface Decoding {
  /** Images of more pixels, as their header says, are not decoded. */
  readonly maxPixels: number;
  /** Images of more encoded bytes are not decoded. */
  readonly maxBytes: number;
  /** What transparent pixels are laid over, as `#rrggbb`. */
  readonly background: string;
  /** Dots per inch at which SVG is drawn; its own unit is 1/72 inch. */
  readonly density: number;
  /** Bytes of decoded pixels are held here while an image is under way. */
  readonly budget: MemoryBudget;
}

/** An image as 8-bit RGB, rows first. */
export interface Raster {
  readonly height: number;
  readonly width: number;
  readonly pixels: Uint8Array;
}

/**
 * Decodes one image to 8-bit RGB: the first frame, turned as its EXIF orientation says, grey and CMYK converted, transparent
 * parts laid over the background. Colour profiles are ignored, as PIL ignores them.
 */
export async function decodeImage(
  bytes: Uint8Array,
  { maxPixels, maxBytes, background, density, budget }: Decoding,
  signal: AbortSignal,
): Promise<Raster | Failure> {
  if (bytes.length > maxBytes) return { reason: 'bytes', detail: `${bytes.length} bytes` };
  if (bytes.length === 0) return { reason: 'undecodable', detail: '0 bytes' };
  let release = () => {};
  let header: string | undefined;
  const open = await loadSharp();
  try {
    const image = open(bytes, { limitInputPixels: false, failOn: 'error', ignoreIcc: true, density });
    const { width, height, format } = await image.metadata();
    header = `${format}, ${width} x ${height} pixels`;
    if (width * height > maxPixels) return { reason: 'pixels', detail: `${width} x ${height} pixels` };
    signal.throwIfAborted();
    release = budget.hold(width * height * 3);
    const { data, info } = await image
      .autoOrient()
      .flatten({ background })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3)
      return { reason: 'undecodable', detail: `${info.channels} channels after conversion to RGB` };
    return { height: info.height, width: info.width, pixels: data };
  } catch {
    // Not with libvips' own words: its threads share them, so they may be another image's.
    const detail = header === undefined ? `no image of a known kind, ${bytes.length} bytes` : `damaged: ${header}`;
    return { reason: 'undecodable', detail };
  } finally {
    release();
  }
}

/**
 * Decodes a column, a few images at a time. Rows that follow each other and hold the same bytes (the captions of one image)
 * share their result.
 */
export async function decodeColumn<T>(
  column: Vector<Binary>,
  signal: AbortSignal,
  decode: (bytes: Uint8Array) => Promise<T | Failure>,
): Promise<(T | Failure)[]> {
  const results = new Array<T | Failure>(column.length);
  const first: number[] = [];
  const sameAs = new Int32Array(column.length);
  let before: Uint8Array | null = null;
  for (let row = 0; row < column.length; row++) {
    const bytes = column.get(row);
    if (bytes === null) results[row] = { reason: 'null' };
    else if (before !== null && Buffer.compare(before, bytes) === 0) sameAs[row] = first.at(-1)!;
    else {
      sameAs[row] = row;
      first.push(row);
    }
    before = bytes ?? before;
  }
  let next = 0;
  const work = async () => {
    while (next < first.length && !signal.aborted) {
      const row = first[next++]!;
      results[row] = await decode(column.get(row)!);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
  signal.throwIfAborted();
  for (let row = 0; row < column.length; row++) results[row] ??= results[sameAs[row]!]!;
  return results;
}

/** Checks the option for a colour. Throws an `AlignflowError` for anything but `#rrggbb`. */
export function checkColour(colour: string): void {
  if (/^#[0-9a-f]{6}$/i.test(colour)) return;
  throw new AlignflowError({
    what: `"${colour}" is not a colour`,
    expected: '#rrggbb, such as #ffffff for white',
    fix: 'correct `background`',
    options: ['background'],
  });
}
