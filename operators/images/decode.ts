import { Binary, Field, Int32, type RecordBatch, Struct } from 'apache-arrow';
import { concatMap, from } from 'rxjs';
import { binaryColumn, int32Column, structColumn } from '../../pipeline/batch/build.js';
import { readColumn } from '../../pipeline/batch/column.js';
import { withColumn, withField } from '../../pipeline/batch/columns.js';
import { sliceBatch } from '../../pipeline/batch/concat.js';
import { defineOperator } from '../../pipeline/operator.js';
import { checkColour, decodeColumn, decodeImage, type Raster } from './codec.js';
import { mapOrDrop } from './drop-failures.js';

/**
 * Decodes images (PNG, JPEG, WebP, AVIF, GIF, TIFF, SVG) to 8-bit RGB of their own size: the first frame, upright, grey and
 * CMYK converted, transparent parts laid over the background. Images that do not decode go to the ledger.
 */
export interface ImageDecode {
  /** Column of encoded images. */
  column: string;
  /** Column to write, of height, width and pixels; `column` itself unless given. */
  into?: string;
  /** Most pixels of an image, by its header, which is read first. @minimum 1 */
  maxPixels: number;
  /** Most bytes of an encoded image. @minimum 1 @unit bytes */
  maxBytes: number;
  /** Colour under transparent pixels, as `#rrggbb`. */
  background: string;
  /** Dots per inch at which SVG is drawn, whose own unit is 1/72 inch. @minimum 1 @maximum 2400 */
  density: number;
}

/** Rows of a batch that comes out: with images of 75 MB each, a column of more would not fit into one Arrow buffer. */
const ROWS = 16;

/** Type of a decoded image of any size: RGB, a byte each, rows first. */
export const rasterType = new Struct([
  new Field('height', new Int32(), true),
  new Field('width', new Int32(), true),
  new Field('pixels', new Binary(), true),
]);

export default defineOperator({
  name: 'image/decode',
  defaults: {
    column: 'image',
    maxPixels: 25_000_000,
    maxBytes: 64_000_000,
    background: '#ffffff',
    density: 72,
  },
  reads: ({ column }: ImageDecode) => ({ [column]: new Binary() }),
  writes: (schema, { column, into = column, background }) => {
    checkColour(background);
    return withField(schema, new Field(into, rasterType, true));
  },
  drops: ['null', 'undecodable', 'pixels', 'bytes'],
  fails: ['undecodable'],
  heavy: true,
  run: ({ column, into = column, ...limits }, context) => {
    const decoding = { ...limits, budget: context.budget };
    return (source) =>
      source.pipe(
        concatMap((batch) => from(slices(batch))),
        mapOrDrop(context, async (batch, signal) => {
          const images = await decodeColumn(readColumn(batch, column, Binary), signal, (bytes) =>
            decodeImage(bytes, decoding, signal),
          );
          const rasters = images.map((image): Raster => ('reason' in image ? NONE : image));
          const decoded = structColumn({
            height: int32Column(rasters.map(({ height }) => height)),
            width: int32Column(rasters.map(({ width }) => width)),
            pixels: binaryColumn(rasters.map(({ pixels }) => pixels)),
          });
          return {
            batch: withColumn(batch, new Field(into, rasterType, true), decoded),
            failures: images.map((image) => ('reason' in image ? image : undefined)),
          };
        }),
      );
  },
});

const NONE: Raster = { height: 0, width: 0, pixels: new Uint8Array(0) };

function slices(batch: RecordBatch): RecordBatch[] {
  const starts = Array.from({ length: Math.ceil(batch.numRows / ROWS) }, (_, i) => i * ROWS);
  return starts.map((start) => sliceBatch(batch, start, start + ROWS));
}
