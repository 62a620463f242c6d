import type { Raster } from './codec.js';
import { type Kernel, resample } from './resample.js';

/** How an image of any proportions becomes a square. */
export type SquareMode = 'stretch' | 'cover' | 'pad';

/**
 * The pixels of a square of `size` made of an image.
 *
 * - `stretch`: each axis on its own, `Image.resize((size, size))` of PIL.
 * - `cover`: torchvision's `Resize(size)` and `CenterCrop(size)`: the longer side is rounded down, the cut to even.
 * - `pad`: `ImageOps.pad` of PIL: the shorter side and its place are rounded to even.
 */
export function square(
  image: Raster,
  size: number,
  { mode, kernel, background }: { readonly mode: SquareMode; readonly kernel: Kernel; readonly background: string },
): Uint8Array {
  const { width, height } = image;
  if (mode === 'stretch' || width === height) return resample(image, size, size, kernel);
  if (mode === 'cover') {
    const longer = Math.trunc((size * Math.max(width, height)) / Math.min(width, height));
    const offset = roundToEven((longer - size) / 2);
    return width < height
      ? resample(image, size, longer, kernel, { left: 0, top: offset, width: size, height: size })
      : resample(image, longer, size, kernel, { left: offset, top: 0, width: size, height: size });
  }
  const shorter = Math.max(1, roundToEven((Math.min(width, height) / Math.max(width, height)) * size));
  const [w, h] = width < height ? [shorter, size] : [size, shorter];
  const inner = resample(image, w, h, kernel);
  const out = new Uint8Array(size * size * 3);
  const colour = Buffer.from(background.slice(1), 'hex');
  for (let i = 0; i < out.length; i += 3) out.set(colour, i);
  const left = roundToEven((size - w) / 2);
  const top = roundToEven((size - h) / 2);
  for (let y = 0; y < h; y++) out.set(inner.subarray(y * w * 3, (y + 1) * w * 3), ((top + y) * size + left) * 3);
  return out;
}

/** Python's `round`. */
function roundToEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
