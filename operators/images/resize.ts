import { Binary, type RecordBatch, type Struct, type Vector } from 'apache-arrow';
import { fixedBinaryColumn } from '../../pipeline/batch/build.js';
import { findColumn, readColumn } from '../../pipeline/batch/column.js';
import { withColumn, withField } from '../../pipeline/batch/columns.js';
import { AlignflowError } from '../../pipeline/errors.js';
import { defineOperator } from '../../pipeline/operator.js';
import { checkColour, type Decoding, decodeColumn, decodeImage, type Failure, type Raster } from './codec.js';
import { rasterType } from './decode.js';
import { mapOrDrop } from './drop-failures.js';
import { pixelsField } from './pixels.js';
import { square } from './square.js';

/**
 * Brings images to one size, as 8-bit RGB: what a model is fed. It takes encoded images, which it decodes in the same pass
 * with the rules of image/decode, or decoded ones. Images that do not decode go to the ledger. Pixels are
 * those of PIL, to the digit.
 */
export interface ImageResize {
  /** Column of encoded images (Binary) or decoded ones (of image/decode). */
  column: string;
  /** Column to write; `column` itself unless given. */
  into?: string;
  /** Height and width in pixels. @integer @minimum 1 @maximum 4096 */
  size: number;
  /**
   * `stretch`: to the square, whatever the proportions (as InternVL's retrieval does). `cover`: the shorter side to the
   * size, then the centre (as CLIP does). `pad`: the longer side to the size, the rest is background.
   */
  mode: 'stretch' | 'cover' | 'pad';
  /** How pixels are interpolated. */
  kernel: 'bicubic' | 'bilinear' | 'lanczos' | 'nearest';
  /** Most pixels of an encoded image, by its header, which is read first. @minimum 1 */
  maxPixels: number;
  /** Most bytes of an encoded image. @minimum 1 @unit bytes */
  maxBytes: number;
  /** Colour under transparent pixels and around padded images, as `#rrggbb`. */
  background: string;
  /** Dots per inch at which SVG is drawn, whose own unit is 1/72 inch. @minimum 1 @maximum 2400 */
  density: number;
}

export default defineOperator({
  name: 'image/resize',
  defaults: {
    column: 'image',
    mode: 'stretch',
    kernel: 'bicubic',
    maxPixels: 25_000_000,
    maxBytes: 64_000_000,
    background: '#ffffff',
    density: 72,
  },
  reads: ({ column }: ImageResize) => ({ [column]: [new Binary(), rasterType] }),
  writes: (schema, { column, into = column, size, background }) => {
    checkColour(background);
    return withField(schema, pixelsField(into, size, size));
  },
  drops: ['null', 'undecodable', 'pixels', 'bytes'],
  fails: ['undecodable'],
  heavy: true,
  run: ({ column, into = column, size, mode, kernel, ...limits }, context) => {
    const decoding: Decoding = { ...limits, budget: context.budget };
    const shape = (image: Raster | Failure): Uint8Array | Failure =>
      'reason' in image ? image : square(image, size, { mode, kernel, background: limits.background });
    return mapOrDrop(context, async (batch, signal) => {
      const images = encoded(batch, column)
        ? await decodeColumn(readColumn(batch, column, Binary), signal, async (bytes) =>
            shape(await decodeImage(bytes, decoding, signal)),
          )
        : rasters(batch, column).map(shape);
      const pixels = fixedBinaryColumn(
        size * size * 3,
        images.map((image) => ('reason' in image ? null : image)),
      );
      return {
        batch: withColumn(batch, pixelsField(into, size, size), pixels),
        failures: images.map((image) => ('reason' in image ? image : undefined)),
      };
    });
  },
});

function encoded(batch: RecordBatch, column: string): boolean {
  return findColumn(batch, column).type instanceof Binary;
}

/** The images of a column that image/decode made. */
function rasters(batch: RecordBatch, name: string): (Raster | Failure)[] {
  const column = findColumn(batch, name) as Vector<Struct>;
  if (String(column.type) !== String(rasterType)) {
    throw new AlignflowError({
      what: `the column "${name}" has the type ${column.type}`,
      expected: `Binary, or ${rasterType} as image/decode makes it`,
    });
  }
  return Array.from({ length: column.length }, (_, row): Raster | Failure => {
    const value = column.get(row);
    const height: number | null = value?.height ?? null;
    const width: number | null = value?.width ?? null;
    const pixels: Uint8Array | null = value?.pixels ?? null;
    if (height === null || width === null || pixels === null) return { reason: 'null' };
    if (height > 0 && width > 0 && pixels.length === height * width * 3) return { height, width, pixels };
    return { reason: 'undecodable', detail: `${pixels.length} bytes for ${width} x ${height} pixels` };
  });
}
