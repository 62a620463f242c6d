import { Field, FixedSizeBinary } from 'apache-arrow';
import { AlignflowError } from '../../pipeline/errors.js';

/** Key of the field metadata that says what the bytes are; Parquet keeps it. */
const SHAPE = 'alignflow.shape';

/** Size of the images of a column. */
export interface PixelsShape {
  readonly height: number;
  readonly width: number;
}

/** The field of a column of images of one size: RGB, a byte each, rows first, `height * width * 3` bytes a row. */
export function pixelsField(name: string, height: number, width: number): Field<FixedSizeBinary> {
  return new Field(name, new FixedSizeBinary(height * width * 3), true, new Map([[SHAPE, `${height},${width},3`]]));
}

/**
 * The size of the images of a column that `pixelsField` declared. Throws an `AlignflowError` for any other column, such as
 * one of bytes whose shape nobody recorded.
 */
export function pixelsShape(field: Field): PixelsShape {
  const { type } = field;
  const shape = field.metadata.get(SHAPE);
  const [, height, width] = /^([1-9]\d*),([1-9]\d*),3$/.exec(shape ?? '') ?? [];
  if (height === undefined || width === undefined || !(type instanceof FixedSizeBinary)) {
    throw new AlignflowError({
      what: `the column "${field.name}" (${type}) does not hold images of one size`,
      expected: `a column that image/resize made: FixedSizeBinary with the field metadata ${SHAPE}`,
      fix: 'put image/resize before this',
    });
  }
  if (type.byteWidth !== Number(height) * Number(width) * 3) {
    throw new AlignflowError({
      what: `the column "${field.name}" has ${type.byteWidth} bytes a row, and its metadata says ${shape}`,
      expected: `${Number(height) * Number(width) * 3} bytes`,
    });
  }
  return { height: Number(height), width: Number(width) };
}
