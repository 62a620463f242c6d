import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Field, FixedSizeBinary, Schema } from 'apache-arrow';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import augment, { type ImageAugment } from '../../../operators/images/augment.js';
import { changeColour, spread } from '../../../operators/images/colour.js';
import { pixelsField, pixelsShape } from '../../../operators/images/pixels.js';
import { randomCrop } from '../../../operators/images/random-crop.js';
import { type Geometry, warp } from '../../../operators/images/warp.js';
import { batchOf, fixedBinaryColumn, int32Column } from '../../../pipeline/batch/build.js';
import { withColumn } from '../../../pipeline/batch/columns.js';
import { withOrigin } from '../../../pipeline/batch/origin.js';
import type { Random } from '../../../pipeline/run/random.js';
import { describeConformance } from '../../kit/conformance.js';
import { runOperator } from '../run-operator.js';
import { photo } from './samples.js';

interface Reference {
  readonly crops: readonly {
    readonly width: number;
    readonly height: number;
    readonly scale: [number, number];
    readonly ratio: [number, number];
    readonly numbers: number[];
    readonly crop: { left: number; top: number; width: number; height: number };
  }[];
  readonly views: readonly (Omit<Geometry, 'crop' | 'flip'> & { width: number; height: number; values: number[] })[];
  readonly patch: number[];
  readonly dilated: number[];
  readonly eroded: number[];
  readonly colours: readonly {
    brightness: number;
    contrast: number;
    saturation: number;
    hue: number;
    values: number[];
  }[];
}

const reference = JSON.parse(
  await readFile(join(import.meta.dirname, '../../reference/images/augmented.json'), 'utf8'),
) as Reference;
const source = { pixels: new Uint8Array(await sharp(photo).raw().toBuffer()), width: 90, height: 64 };
const white = [255, 255, 255] as const;
const still: Geometry = {
  crop: { left: 0, top: 0, width: 90, height: 64 },
  rotation: 0,
  zoom: 1,
  aspect: 0,
  shiftX: 0,
  shiftY: 0,
  flip: false,
};

/** Gives these numbers in turn. */
function scripted(numbers: readonly number[]): Random {
  let at = 0;
  const next = () => numbers[at++]!;
  return { next, integer: (below) => Math.floor(next() * below), between: (a, b) => a + (b - a) * next() };
}

function farthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
}

describe('a random crop', () => {
  it.each(reference.crops)('is that of torchvision: $width x $height, $scale, $ratio, $crop', (made) => {
    const { crop, numbers, scale, ratio } = made;
    expect(randomCrop(made, scale, ratio, scripted(numbers))).toEqual(crop);
  });
});

describe('geometry in one pass', () => {
  it.each(reference.views)(
    'samples as PyTorch does: $rotation degrees, zoom $zoom',
    ({ values, width, height, ...view }) => {
      const target = new Float32Array(width * height * 3);
      warp(source, target, { width, height }, { ...still, ...view }, white);
      expect(farthest(target, values)).toBeLessThan(0.02);
    },
  );

  it('gives an image back as it is, and mirrored', () => {
    const target = new Float32Array(source.pixels.length);
    warp(source, target, source, still, white);
    expect(farthest(target, source.pixels)).toBe(0);
    warp(source, target, source, { ...still, flip: true }, white);
    const mirrored = source.pixels.map((_, i) => {
      const x = Math.floor(i / 3) % 90;
      return source.pixels[i + (89 - 2 * x) * 3]!;
    });
    expect(farthest(target, mirrored)).toBe(0);
  });

  it('shows the crop', () => {
    const target = new Float32Array(10 * 6 * 3);
    const crop = { left: 20, top: 8, width: 10, height: 6 };
    warp(source, target, { width: 10, height: 6 }, { ...still, crop }, white);
    const part = target.map((_, i) => source.pixels[((8 + Math.floor(i / 30)) * 90 + 20) * 3 + (i % 30)]!);
    expect(farthest(target, part)).toBe(0);
  });

  it.each([2, 4, 8])('averages over what a pixel covers when it shrinks %i times', (factor) => {
    const [width, height] = [64 / factor, 64 / factor];
    const target = new Float32Array(width * height * 3);
    const crop = { left: 0, top: 0, width: 64, height: 64 };
    warp(source, target, { width, height }, { ...still, crop }, white);
    const means = target.map((_, i) => {
      const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
      let sum = 0;
      for (let k = 0; k < factor * factor; k++) {
        const [px, py] = [x * factor + (k % factor), y * factor + Math.floor(k / factor)];
        sum += source.pixels[(py * 90 + px) * 3 + (i % 3)]!;
      }
      return sum / factor / factor;
    });
    expect(farthest(target, means)).toBeLessThan(0.01);
  });
});

describe('lines and colours', () => {
  it('are changed as PyTorch does', () => {
    const dilated = Float32Array.from(reference.patch);
    spread(dilated, 10, 'bright');
    expect(farthest(dilated, reference.dilated)).toBeLessThan(0.001);
    const eroded = Float32Array.from(reference.patch);
    spread(eroded, 10, 'dark');
    expect(farthest(eroded, reference.eroded)).toBeLessThan(0.001);
    for (const { values, ...colour } of reference.colours) {
      const changed = Float32Array.from(reference.patch);
      changeColour(changed, colour);
      expect(farthest(changed, values)).toBeLessThan(0.002);
    }
  });
});

const rows = Array.from({ length: 12 }, (_, i) => i);
const field = pixelsField('pixels', 8, 8);
const image = (row: number) => Uint8Array.from({ length: 192 }, (_, i) => (i * 7 + row * 31) % 256);
const column = fixedBinaryColumn(
  192,
  rows.map((row) => (row === 5 ? null : image(row))),
);
const batch = withColumn(batchOf({ id: int32Column(rows) }), field, column);
const strong: Partial<ImageAugment> = {
  size: 6,
  scale: [0.5, 1],
  rotation: 15,
  translation: 0.05,
  zoom: [0.7, 1.2],
  aspect: 0.15,
  flip: 0.5,
  dilate: 0.3,
  erode: 0.3,
  brightness: 0.4,
  contrast: 0.4,
  saturation: 0.4,
  grey: 0.2,
  hue: 17,
};

describe('image/augment', () => {
  it('changes nothing when all is off', async () => {
    const { out } = await runOperator(augment, { scale: [1, 1], ratio: [1, 1] }, [batch]);
    expect(out[0]!.getChild('pixels')?.toArray()).toEqual(column.toArray());
    expect(out[0]!.getChild('pixels')?.get(5)).toBeNull();
  });

  it('changes each row in its own way, another one in each epoch', async () => {
    const same = withColumn(
      batch,
      field,
      fixedBinaryColumn(
        192,
        rows.map(() => image(0)),
      ),
    );
    const values = async (epoch: number) => {
      const { out } = await runOperator(augment, strong, [withOrigin(same, { epoch, unit: 0, row: 0 })]);
      return rows.map((row) => Buffer.from(out[0]!.getChild('pixels')?.get(row) as Uint8Array).toString('hex'));
    };
    const [first, again, second] = [await values(0), await values(0), await values(1)];
    expect(again).toEqual(first);
    expect(new Set([...first, ...second]).size).toBe(24);
  });

  it.each([
    ['rotation', 20],
    ['translation', 0.2],
    ['zoom', [0.5, 2]],
    ['aspect', 0.3],
    ['flip', 1],
    ['dilate', 1],
    ['erode', 1],
    ['brightness', 0.5],
    ['contrast', 0.5],
    ['saturation', 0.5],
    ['grey', 1],
    ['hue', 60],
    ['scale', [0.2, 0.5]],
    ['ratio', [2, 3]],
    ['size', 5],
  ] as const)('%s has an effect of its own', async (name, value) => {
    const off = { scale: [1, 1], ratio: [1, 1] };
    const { out } = await runOperator(augment, { ...off, [name]: value }, [batch]);
    expect(out[0]!.getChild('pixels')?.get(3)).not.toEqual(image(3));
  });

  it('gives images of the size asked for', async () => {
    const { out } = await runOperator(augment, { size: 5, into: 'view' }, [batch]);
    expect(pixelsShape(out[0]!.schema.fields.find(({ name }) => name === 'view')!)).toEqual({ height: 5, width: 5 });
    expect(out[0]!.getChild('pixels')?.toArray()).toEqual(column.toArray());
  });

  it('refuses ranges that are none, shares above 1 and columns without a shape', () => {
    const defaults = augment.defaults as unknown as ImageAugment;
    const schema = new Schema([field]);
    const declare = (config: Partial<ImageAugment>) => augment.writes(schema, { ...defaults, ...config });
    expect(() => declare({ scale: [0.5, 1.2] })).toThrow('scale: [0.5, 1.2] is no range');
    expect(() => declare({ ratio: [2, 1] })).toThrow('ratio: [2, 1] is no range');
    expect(() => declare({ zoom: [1] })).toThrow('zoom: [1] is no range');
    expect(() => declare({ dilate: 0.6, erode: 0.6 })).toThrow('take 1.2 of the images together');
    expect(() => declare({ background: 'red' })).toThrow('"red" is not a colour');
    const raw = new Schema([new Field('pixels', new FixedSizeBinary(192))]);
    expect(() => augment.writes(raw, defaults)).toThrow('put image/resize before this');
  });
});

describeConformance(augment, { batches: [batch], config: strong, random: true }, { describe, it });
