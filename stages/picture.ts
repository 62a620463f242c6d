/** Pictures of rows and images for the report. */
import { Binary, type Field, FixedSizeBinary, type RecordBatch, type Struct, type Vector } from 'apache-arrow';
import sharp from 'sharp';
import { decodeImage, type Raster } from '../operators/images/codec.js';
import { rasterType } from '../operators/images/decode.js';
import { type PixelsShape, pixelsShape } from '../operators/images/pixels.js';
import { findColumn, readColumn } from '../pipeline/batch/column.js';
import type { DrawContext } from '../pipeline/run/dropped-examples.js';

/** Longest side of a picture, in pixels. */
const SIDE = 96;
/** What is decoded at most for a picture: image/decode takes as much unless told otherwise. */
const LIMITS = { maxPixels: 25_000_000, maxBytes: 64_000_000, background: '#ffffff', density: 72 };

/** An image as WebP, 96 pixels wide or high at most. */
export async function drawPicture({ height, width, pixels }: Raster): Promise<Uint8Array> {
  return sharp(pixels, { raw: { width, height, channels: 3 }, limitInputPixels: false })
    .resize(SIDE, SIDE, { fit: 'inside', withoutEnlargement: true })
    .webp({ quality: 90 })
    .toBuffer();
}

/**
 * The first image of a row, as a picture: encoded (Binary), decoded (by image/decode) or of one size (by image/resize).
 * Undefined for a row that has none that can be read. `row` is a batch of one row.
 */
export async function drawRow(row: RecordBatch, context: DrawContext): Promise<Uint8Array | undefined> {
  for (const field of row.schema.fields) {
    const raster = await rasterOf(row, field, context);
    if (raster !== undefined) return drawPicture(raster);
  }
  return undefined;
}

async function rasterOf(row: RecordBatch, field: Field, context: DrawContext): Promise<Raster | undefined> {
  const { name, type } = field;
  if (type instanceof Binary) {
    const bytes = readColumn(row, name, Binary).get(0);
    if (bytes === null) return undefined;
    const image = await decodeImage(bytes, { ...LIMITS, budget: context.budget }, context.signal);
    return 'reason' in image ? undefined : image;
  }
  if (type instanceof FixedSizeBinary) {
    const shape = shapeOf(field);
    const pixels = readColumn(row, name, FixedSizeBinary).get(0);
    return shape === undefined || pixels === null ? undefined : { ...shape, pixels };
  }
  if (String(type) !== String(rasterType)) return undefined;
  const { height, width, pixels }: Partial<Raster> = (findColumn(row, name) as Vector<Struct>).get(0)?.toJSON() ?? {};
  return height && width && pixels?.length === height * width * 3 ? { height, width, pixels } : undefined;
}

/** The shape of a column of images of one size; undefined for other bytes, such as hashes. */
function shapeOf(field: Field): PixelsShape | undefined {
  try {
    return pixelsShape(field);
  } catch {
    return undefined;
  }
}
