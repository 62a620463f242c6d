import { FixedSizeBinary, makeData, type RecordBatch, type Schema } from 'apache-arrow';
import { map } from 'rxjs';
import { readColumn } from '../../pipeline/batch/column.js';
import { findField, withColumn, withField } from '../../pipeline/batch/columns.js';
import { AlignflowError } from '../../pipeline/errors.js';
import { defineOperator } from '../../pipeline/operator.js';
import type { Random } from '../../pipeline/run/random.js';
import { checkColour } from './codec.js';
import { type Colour, changeColour, spread } from './colour.js';
import { type PixelsShape, pixelsField, pixelsShape } from './pixels.js';
import { randomCrop } from './random-crop.js';
import { type Geometry, warp } from './warp.js';

/**
 * Changes images of one size at random: a random resized crop, and whatever else is asked for. The same row of the same epoch
 * is always changed in the same way. All geometry is one affine map that is sampled once, and averages where it shrinks.
 */
export interface ImageAugment {
  /** Column of images of one size, which image/resize made. */
  column: string;
  /** Column to write; `column` itself unless given. */
  into?: string;
  /** Height and width of what comes out; those of what comes in unless given. @integer @minimum 1 @maximum 4096 */
  size?: number;
  /** Smallest and largest area of the crop, as shares of the image; `[1, 1]` with `ratio: [1, 1]` crops nothing. */
  scale: number[];
  /** Smallest and largest width of the crop for a height of 1. */
  ratio: number[];
  /** Most degrees of a turn, either way. @minimum 0 @maximum 180 */
  rotation: number;
  /** Most of a shift, either way, as a share of the crop's width and height. @minimum 0 @maximum 1 @unit fraction */
  translation: number;
  /** Smallest and largest view of the crop; below 1 enlarges, above 1 shows more than the crop. */
  zoom: number[];
  /** Most of a stretch, as a logarithm: up to `exp(aspect)` wider and `exp(-aspect)` higher, or the other way round. @minimum 0 @maximum 2 */
  aspect: number;
  /** Share of images that are mirrored, left to right. @minimum 0 @maximum 1 @unit fraction */
  flip: number;
  /** Share of images whose bright parts grow by a pixel. @minimum 0 @maximum 1 @unit fraction */
  dilate: number;
  /** Share of images whose dark parts grow by a pixel; none of those that `dilate` takes. @minimum 0 @maximum 1 @unit fraction */
  erode: number;
  /** Most by which the mean is multiplied, less 1, either way. @minimum 0 @maximum 1 @unit fraction */
  brightness: number;
  /** Most by which distances from the mean are multiplied, less 1, either way. @minimum 0 @maximum 1 @unit fraction */
  contrast: number;
  /** Most by which distances from grey are multiplied, less 1, either way. @minimum 0 @maximum 1 @unit fraction */
  saturation: number;
  /** Share of images that become grey. @minimum 0 @maximum 1 @unit fraction */
  grey: number;
  /** Most degrees of a turn of the colours, either way. @minimum 0 @maximum 180 */
  hue: number;
  /** Colour beyond the edges of an image, as `#rrggbb`. */
  background: string;
}

/** What is done to one image. */
interface Change {
  readonly geometry: Geometry;
  readonly colour: Colour;
  readonly lines: 'dilate' | 'erode' | 'keep';
}

export default defineOperator({
  name: 'image/augment',
  defaults: {
    column: 'pixels',
    scale: [0.9, 1],
    ratio: [3 / 4, 4 / 3],
    rotation: 0,
    translation: 0,
    zoom: [1, 1],
    aspect: 0,
    flip: 0,
    dilate: 0,
    erode: 0,
    brightness: 0,
    contrast: 0,
    saturation: 0,
    grey: 0,
    hue: 0,
    background: '#ffffff',
  },
  // Of any width: the shape is in the field.
  reads: ({ column }: ImageAugment) => ({ [column]: new FixedSizeBinary(0) }),
  writes: (schema, config) => {
    checkOptions(config);
    const { height, width } = outputShape(schema, config);
    return withField(schema, pixelsField(config.into ?? config.column, height, width));
  },
  heavy: true,
  run: (config, context) => map((batch) => augmentBatch(batch, config, (row) => context.random(batch, row))),
});

function augmentBatch(batch: RecordBatch, config: ImageAugment, randomOf: (row: number) => Random): RecordBatch {
  const { column, into = column, background } = config;
  const source = readColumn(batch, column, FixedSizeBinary).data[0]!;
  const input = pixelsShape(findField(batch.schema, column));
  const output = outputShape(batch.schema, config);
  const inputBytes = input.height * input.width * 3;
  const outputBytes = output.height * output.width * 3;
  const outside = [...Buffer.from(background.slice(1), 'hex')] as [number, number, number];
  // Rounds, and cuts off what lies outside of 0 to 255.
  const bytes = new Uint8ClampedArray(batch.numRows * outputBytes);
  const values = new Float32Array(outputBytes);
  for (let row = 0; row < batch.numRows; row++) {
    if (!source.getValid(row)) continue;
    const change = drawChange(input, config, randomOf(row));
    const pixels = source.values.subarray(row * inputBytes, (row + 1) * inputBytes);
    warp({ ...input, pixels }, values, output, change.geometry, outside);
    if (change.lines !== 'keep') spread(values, output.width, change.lines === 'dilate' ? 'bright' : 'dark');
    changeColour(values, change.colour);
    for (let i = 0, at = row * outputBytes; i < outputBytes; i++, at++) bytes[at] = values[i]!;
  }
  const field = pixelsField(into, output.height, output.width);
  const validity = source.nullCount > 0 ? { nullCount: source.nullCount, nullBitmap: validBits(source) } : {};
  return withColumn(
    batch,
    field,
    makeData({ type: field.type, length: batch.numRows, data: new Uint8Array(bytes.buffer), ...validity }),
  );
}

/**
 * Draws what is done to one image. Every number is drawn, whether it is used or not, and those of the crop come last, so that
 * an option changes nothing but what it is about.
 */
function drawChange(input: PixelsShape, config: ImageAugment, random: Random): Change {
  const within = (most: number) => random.between(-most, most);
  const rotation = within(config.rotation);
  const zoom = random.between(...pair(config.zoom));
  const aspect = within(config.aspect);
  const shiftX = within(config.translation);
  const shiftY = within(config.translation);
  const flip = random.next() < config.flip;
  const line = random.next();
  const brightness = 1 + within(config.brightness);
  const contrast = 1 + within(config.contrast);
  const saturation = 1 + within(config.saturation);
  const grey = random.next() < config.grey;
  const hue = within(config.hue);
  const crop = randomCrop(input, pair(config.scale), pair(config.ratio), random);
  return {
    geometry: { crop, rotation, zoom, aspect, shiftX, shiftY, flip },
    colour: { brightness, contrast, saturation: grey ? 0 : saturation, hue },
    lines: line < config.dilate ? 'dilate' : line < config.dilate + config.erode ? 'erode' : 'keep',
  };
}

function outputShape(schema: Schema, { column, size }: ImageAugment): PixelsShape {
  const input = pixelsShape(findField(schema, column));
  return size === undefined ? input : { height: size, width: size };
}

function checkOptions(config: ImageAugment): void {
  checkColour(config.background);
  for (const name of ['scale', 'ratio', 'zoom'] as const) {
    const [low, high] = config[name];
    const fits = low !== undefined && high !== undefined && config[name].length === 2 && low > 0 && low <= high;
    if (fits && (name !== 'scale' || high <= 1)) continue;
    throw new AlignflowError({
      what: `${name}: [${config[name].join(', ')}] is no range`,
      options: [name],
      expected: `two numbers above 0${name === 'scale' ? ', 1 at most' : ''}, the smaller one first`,
    });
  }
  if (config.dilate + config.erode <= 1) return;
  throw new AlignflowError({
    what: `dilate and erode take ${config.dilate + config.erode} of the images together`,
    expected: '1 at most: no image is taken by both',
    options: ['dilate', 'erode'],
  });
}

function pair(range: readonly number[]): [number, number] {
  return [range[0]!, range[1]!];
}

/** Which rows have a value, from bit 0 on. */
function validBits(data: { readonly length: number; getValid(row: number): boolean }): Uint8Array {
  const bits = new Uint8Array(Math.ceil(data.length / 64) * 8);
  for (let row = 0; row < data.length; row++)
    if (data.getValid(row)) bits[row >> 3] = bits[row >> 3]! | (1 << (row & 7));
  return bits;
}
