import { Field, FixedSizeBinary, Int32, List, makeData, type RecordBatch, Vector, vectorFromArray } from 'apache-arrow';
import { pixelsField } from '../../operators/images/pixels.js';
import { batchOf } from '../../pipeline/batch/build.js';
import { withColumn } from '../../pipeline/batch/columns.js';

/** Columns that a training stage reads, and what their rows hold. */
export interface ExampleColumns {
  readonly pixels: string;
  /** Of the images, in pixels. */
  readonly side: number;
  /** Columns of token ids. */
  readonly tokens: readonly string[];
  /** Tokens of each text. */
  readonly length: number;
}

/** Rows as a stage would be fed, black images with texts of the longest length: what its steps need does not depend on the values. */
export function exampleRows(rows: number, { pixels, side, tokens, length }: ExampleColumns): RecordBatch {
  const type = new FixedSizeBinary(3 * side * side);
  const ids = Array.from({ length: rows }, () => new Int32Array(length).fill(1));
  const texts = () => vectorFromArray(ids, new List(new Field('item', new Int32(), true)));
  const images = new Vector([makeData({ type, length: rows, data: new Uint8Array(rows * type.byteWidth) })]);
  const columns = Object.fromEntries(tokens.map((column) => [column, texts()]));
  return withColumn(batchOf(columns), pixelsField(pixels, side, side), images);
}
