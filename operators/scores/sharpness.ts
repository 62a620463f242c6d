import { Binary } from 'apache-arrow';
import { readColumn } from '../../pipeline/batch/column.js';
import { defineScorer } from '../../pipeline/scorer.js';
import { checkColour, decodeColumn, decodeImage, type Raster } from '../images/codec.js';

/**
 * Scores how sharp images are: the variance of the Laplacian of their grey values, as
 * `cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var()` of OpenCV. A blurred photograph has 100 or less, a sharp
 * one some hundreds to thousands; it grows with the contrast of what is seen, and falls as an image is enlarged, so compare images of one
 * size. Images that cannot be decoded have no score. (Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy".)
 */
export interface Sharpness {
  /** Column of encoded images (PNG, JPEG, WebP, AVIF, GIF, TIFF, SVG). */
  column: string;
  /** Column that is added. */
  into: string;
  /** Images of more pixels, as their header says, have no score. @minimum 1 */
  maxPixels: number;
  /** Images of more encoded bytes have no score. @minimum 1 @unit bytes */
  maxBytes: number;
  /** What transparent pixels are laid over, as `#rrggbb`. */
  background: string;
  /** Dots per inch at which SVG is drawn. @minimum 1 @maximum 2400 */
  density: number;
}

/** The Laplacian of 8-bit values is at most 4 times 255 from 0, so its variance at most the square of that. */
const MOST = (4 * 255) ** 2;

export default defineScorer({
  name: 'score/sharpness',
  version: '1',
  defaults: {
    column: 'image',
    into: 'sharpness',
    maxPixels: 25_000_000,
    maxBytes: 64_000_000,
    background: '#ffffff',
    density: 72,
  },
  reads: ({ column }: Sharpness) => ({ [column]: new Binary() }),
  check: ({ background }) => checkColour(background),
  scale: [0, MOST],
  heavy: true,
  async score(batch, { column, into: _, ...limits }, { signal, budget }) {
    const scores = await decodeColumn(readColumn(batch, column, Binary), signal, async (bytes) => {
      const image = await decodeImage(bytes, { ...limits, budget }, signal);
      return 'reason' in image ? image : { sharpness: varianceOfLaplacian(image) };
    });
    return scores.map((score) => ('reason' in score ? undefined : score.sharpness));
  },
});

/** The variance over all pixels of the sum of the four neighbours less four times the pixel; beyond an edge lies its reflection. */
function varianceOfLaplacian(image: Raster): number {
  const { width, height } = image;
  const grey = greyOf(image);
  let sum = 0;
  let squares = 0;
  for (let y = 0; y < height; y++) {
    const above = width * reflected(y - 1, height);
    const row = width * y;
    const below = width * reflected(y + 1, height);
    for (let x = 0; x < width; x++) {
      const left = grey[row + reflected(x - 1, width)]!;
      const right = grey[row + reflected(x + 1, width)]!;
      const laplacian = grey[above + x]! + grey[below + x]! + left + right - 4 * grey[row + x]!;
      sum += laplacian;
      squares += laplacian * laplacian;
    }
  }
  const count = width * height;
  return squares / count - (sum / count) ** 2;
}

/** An index next to an edge, reflected about the pixel at the edge (BORDER_REFLECT_101). */
function reflected(index: number, length: number): number {
  if (length === 1) return 0;
  if (index < 0) return 1;
  return index === length ? length - 2 : index;
}

/** Grey values by ITU-R BT.601 in the fixed-point arithmetic of OpenCV: weights of 15 bits. */
function greyOf({ pixels, width, height }: Raster): Uint8Array {
  const grey = new Uint8Array(width * height);
  for (let i = 0; i < grey.length; i++)
    grey[i] = (pixels[3 * i]! * 9798 + pixels[3 * i + 1]! * 19235 + pixels[3 * i + 2]! * 3735 + 16384) >> 15;
  return grey;
}
