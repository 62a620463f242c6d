/** One pass of geometry: every turn, shift, zoom and crop of an image is one affine map, sampled once. */

/** A part of an image in pixels, from its upper left corner. */
export interface Crop {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Pixels as values of 0 to 255, RGB, rows first. */
export interface Plane {
  readonly pixels: Uint8Array | Float32Array;
  readonly width: number;
  readonly height: number;
}

/** How the target is laid over the source. */
export interface Geometry {
  /** What the target shows when the rest does nothing. */
  readonly crop: Crop;
  /** Turn of the view in degrees. */
  readonly rotation: number;
  /** Size of the view against the crop: below 1 enlarges. */
  readonly zoom: number;
  /** Logarithm of the stretch: the view is `exp(aspect)` wider and `exp(-aspect)` higher. */
  readonly aspect: number;
  /** Shift of the view, in widths and heights of the crop. */
  readonly shiftX: number;
  readonly shiftY: number;
  /** Whether left and right are exchanged. */
  readonly flip: boolean;
}

/**
 * Samples `source` into `target` (`width * height * 3` values, 0 to 255), bilinearly, with `background` beyond its edges.
 *
 * The map from target to source is that of PyTorch's `affine_grid` and `grid_sample` (`align_corners=False`). Where a target
 * pixel covers three source pixels or more, the source is first averaged over squares, so that it covers about two: then
 * a bilinear sample is an average over what it covers.
 */
export function warp(
  source: Plane,
  target: Float32Array,
  size: { readonly width: number; readonly height: number },
  geometry: Geometry,
  background: readonly [number, number, number],
): void {
  const { crop, zoom, aspect } = geometry;
  const angle = (geometry.rotation * Math.PI) / 180;
  const [cosine, sine] = [Math.cos(angle) * zoom, Math.sin(angle) * zoom];
  const stretch = Math.exp(aspect);
  const mirror = geometry.flip ? -1 : 1;
  // From the target in -1..1 to the crop in -1..1, then to pixels of the source.
  const perX = crop.width / size.width;
  const perY = crop.height / size.height;
  const scale = zoom * Math.sqrt(perX * perY);
  const reduction = Math.max(1, Math.round(scale / 2));
  const plane = reduction === 1 ? source : reduce(source, reduction);
  const unitX = 1 / reduction;
  const xx = cosine * stretch * perX * mirror * unitX;
  const xy = -sine * stretch * (crop.width / size.height) * unitX;
  const yx = (sine / stretch) * (crop.height / size.width) * mirror * unitX;
  const yy = (cosine / stretch) * perY * unitX;
  const middleX = (crop.left + crop.width * (0.5 + geometry.shiftX)) * unitX - 0.5;
  const middleY = (crop.top + crop.height * (0.5 + geometry.shiftY)) * unitX - 0.5;
  const [startX, startY] = [(1 - size.width) / 2, (1 - size.height) / 2];
  sample(plane, target, size.width, size.height, background, {
    xx,
    xy,
    yx,
    yy,
    x: middleX + xx * startX + xy * startY,
    y: middleY + yx * startX + yy * startY,
  });
}

/** Source coordinates of target pixel (i, j): `x + xx i + xy j`, `y + yx i + yy j`. */
interface Affine {
  readonly xx: number;
  readonly xy: number;
  readonly yx: number;
  readonly yy: number;
  readonly x: number;
  readonly y: number;
}

function sample(
  { pixels, width, height }: Plane,
  target: Float32Array,
  columns: number,
  rows: number,
  [red, green, blue]: readonly [number, number, number],
  { xx, xy, yx, yy, x: originX, y: originY }: Affine,
): void {
  const stride = width * 3;
  let at = 0;
  for (let j = 0; j < rows; j++) {
    let x = originX + xy * j;
    let y = originY + yy * j;
    for (let i = 0; i < columns; i++, x += xx, y += yx, at += 3) {
      const left = Math.floor(x);
      const top = Math.floor(y);
      const right = x - left;
      const below = y - top;
      const w11 = right * below;
      const w10 = below - w11;
      const w01 = right - w11;
      const w00 = 1 - right - w10;
      if (left >= 0 && top >= 0 && left < width - 1 && top < height - 1) {
        const p = top * stride + left * 3;
        const q = p + stride;
        target[at] = pixels[p]! * w00 + pixels[p + 3]! * w01 + pixels[q]! * w10 + pixels[q + 3]! * w11;
        target[at + 1] = pixels[p + 1]! * w00 + pixels[p + 4]! * w01 + pixels[q + 1]! * w10 + pixels[q + 4]! * w11;
        target[at + 2] = pixels[p + 2]! * w00 + pixels[p + 5]! * w01 + pixels[q + 2]! * w10 + pixels[q + 5]! * w11;
        continue;
      }
      // At the edges: each of the four pixels that lies outside is background.
      let [r, g, b] = [red, green, blue];
      for (let corner = 0; corner < 4; corner++) {
        const px = left + (corner & 1);
        const py = top + (corner >> 1);
        if (px < 0 || py < 0 || px >= width || py >= height) continue;
        const weight = corner === 0 ? w00 : corner === 1 ? w01 : corner === 2 ? w10 : w11;
        const p = py * stride + px * 3;
        r += (pixels[p]! - red) * weight;
        g += (pixels[p + 1]! - green) * weight;
        b += (pixels[p + 2]! - blue) * weight;
      }
      target[at] = r;
      target[at + 1] = g;
      target[at + 2] = b;
    }
  }
}

/** Averages over squares of `factor` pixels; those at the right and lower edge may have fewer. */
function reduce({ pixels, width, height }: Plane, factor: number): Plane {
  const columns = Math.ceil(width / factor);
  const rows = Math.ceil(height / factor);
  const out = new Float32Array(columns * rows * 3);
  for (let y = 0; y < height; y++) {
    const line = Math.floor(y / factor) * columns;
    for (let x = 0, from = y * width * 3; x < width; x++) {
      const to = (line + Math.floor(x / factor)) * 3;
      out[to] = out[to]! + pixels[from++]!;
      out[to + 1] = out[to + 1]! + pixels[from++]!;
      out[to + 2] = out[to + 2]! + pixels[from++]!;
    }
  }
  for (let y = 0, at = 0; y < rows; y++) {
    const high = Math.min(factor, height - y * factor);
    for (let x = 0; x < columns; x++, at += 3) {
      const count = high * Math.min(factor, width - x * factor);
      out[at] = out[at]! / count;
      out[at + 1] = out[at + 1]! / count;
      out[at + 2] = out[at + 2]! / count;
    }
  }
  return { pixels: out, width: columns, height: rows };
}
