import type { RecordBatch } from 'apache-arrow';
import { BYTES, NUMBERS, readNumbers, readSpans } from '../../pipeline/batch/spans.js';
import { AlignflowError } from '../../pipeline/errors.js';
import { defineFilter } from '../../pipeline/filter.js';
import { readImageHeader } from '../images/header.js';

/**
 * Keeps rows whose image is neither too small, too large nor too elongated. Sizes come from two columns of numbers, or else
 * from the header of the encoded image: nothing is decoded, so what claims absurd sizes is dropped before it can do harm.
 */
export interface ImageSize {
  /** Column of encoded images (PNG, JPEG, WebP, GIF, AVIF, HEIF). Not read when `width` and `height` name columns. */
  image: string;
  /** Column of widths in pixels. Needs `height`. */
  width?: string;
  /** Column of heights in pixels. Needs `width`. */
  height?: string;
  /** Shortest short side kept, in pixels. @minimum 1 @integer */
  minSide: number;
  /** Longest long side kept, in pixels. @minimum 1 @integer */
  maxSide: number;
  /** Most that the long side may be of the short side. @minimum 1 */
  maxAspect: number;
  /** Most pixels (width times height) kept: what a decoder has to find memory for. @minimum 1 @integer */
  maxPixels: number;
}

export default defineFilter({
  name: 'filter/image-size',
  defaults: { image: 'image', minSide: 32, maxSide: 16384, maxAspect: 5, maxPixels: 25000000 },
  reads: ({ image, width, height }: ImageSize) =>
    width !== undefined && height !== undefined ? { [width]: NUMBERS, [height]: NUMBERS } : { [image]: BYTES },
  check: ({ width, height, minSide, maxSide, maxPixels }) => {
    if ((width === undefined) !== (height === undefined)) {
      throw new AlignflowError({
        what: `${width === undefined ? 'height' : 'width'} names a column and the other side does not`,
        expected: 'width and height, or neither to read the image itself',
        options: ['width', 'height'],
      });
    }
    if (minSide > maxSide || minSide * minSide > maxPixels) {
      throw new AlignflowError({
        what: `no image has sides of at least ${minSide}, at most ${maxSide} and at most ${maxPixels} pixels`,
        expected: 'minSide <= maxSide, and minSide * minSide <= maxPixels',
        options: ['minSide', 'maxSide', 'maxPixels'],
      });
    }
  },
  drops: ['null', 'unreadable', 'pixels', 'elongated', 'small', 'large'],
  measures: ['pixels', 'aspect', 'side'],
  judge: (batch, config, context) => {
    const sizes =
      config.width !== undefined && config.height !== undefined
        ? columnSizes(batch, config.width, config.height)
        : headerSizes(batch, config.image);
    return (row) => {
      if (sizes.isNull(row)) return 'null';
      if (!sizes.read(row)) return 'unreadable';
      const { width, height } = sizes;
      const [short, long] = width < height ? [width, height] : [height, width];
      context.measure('pixels', width * height, config.maxPixels);
      if (width * height > config.maxPixels) return 'pixels';
      context.measure('aspect', long / short, config.maxAspect);
      if (long > short * config.maxAspect) return 'elongated';
      context.measure('side', short, config.minSide);
      if (short < config.minSide) return 'small';
      context.measure('side', long, config.maxSide);
      return long > config.maxSide ? 'large' : undefined;
    };
  },
});

/** Reads the size of one row after another into `width` and `height`. */
interface Sizes {
  isNull(row: number): boolean;
  /** False where there is no size to be had. */
  read(row: number): boolean;
  width: number;
  height: number;
}

function columnSizes(batch: RecordBatch, width: string, height: string): Sizes {
  const [widths, heights] = [readNumbers(batch, width), readNumbers(batch, height)];
  return {
    width: 0,
    height: 0,
    isNull: (row) => widths.isNull(row) || heights.isNull(row),
    read(row) {
      this.width = widths.values[row]!;
      this.height = heights.values[row]!;
      return this.width >= 1 && this.height >= 1;
    },
  };
}

function headerSizes(batch: RecordBatch, image: string): Sizes {
  const { values, offsets, isNull } = readSpans(batch, image);
  return {
    width: 0,
    height: 0,
    isNull,
    read(row) {
      const header = readImageHeader(values.subarray(offsets[row], offsets[row + 1]));
      if (header === undefined) return false;
      this.width = header.width;
      this.height = header.height;
      return true;
    },
  };
}
