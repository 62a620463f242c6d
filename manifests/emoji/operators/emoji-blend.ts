import { AlignflowError, defineOperator, readColumn, withColumn, withoutColumns, withoutFields } from 'alignflow';
import { FixedSizeBinary, makeData } from 'apache-arrow';
import { map } from 'rxjs';

/**
 * Mixes two drawings of the same emoji by a random weight, another one in each epoch. What both vendors' drawings have
 * in common is what a third vendor's drawing will have too.
 */
export interface EmojiBlend {
  /** Pixels to mix into: a column of images of one size, as image/resize makes it. */
  column: string;
  /** Pixels of the other drawing, of the same size. This column is left out of what comes out. */
  other: string;
  /** Share of the rows that are mixed; the others keep their drawing. @minimum 0 @maximum 1 @unit fraction */
  share: number;
}

/** A column of pixels of whatever size. */
const anySize = new FixedSizeBinary(0);

export default defineOperator({
  name: 'emoji/blend',
  defaults: { column: 'pixels', other: 'other_pixels', share: 0.6 },
  reads: ({ column, other }: EmojiBlend) => ({ [column]: anySize, [other]: anySize }),
  writes: (schema, { column, other }) => {
    const [first, second] = [column, other].map((name) => schema.fields.find((field) => field.name === name)?.type);
    if (String(first) === String(second)) return withoutFields(schema, [other]);
    throw new AlignflowError({
      what: `emoji/blend cannot mix ${column} (${first}) with ${other} (${second})`,
      fix: 'give both images the same size with image/resize',
    });
  },
  run: ({ column, other, share }, context) =>
    map((batch) => {
      const first = readColumn(batch, column, FixedSizeBinary).data[0]!;
      const second = readColumn(batch, other, FixedSizeBinary).data[0]!;
      const width = first.type.byteWidth;
      // Rows that are not mixed keep their drawing, and nulls stay null.
      const pixels = first.values.slice(0, batch.numRows * width);
      for (let row = 0; row < batch.numRows; row++) {
        const random = context.random(batch, row);
        if (random.next() >= share || !first.getValid(row) || !second.getValid(row)) continue;
        const at = row * width;
        mixInto(pixels.subarray(at, at + width), second.values.subarray(at, at + width), random.next());
      }
      const { type, length, nullCount, nullBitmap } = first;
      const mixed = makeData({ type, length, data: pixels, ...(nullCount === 0 ? {} : { nullCount, nullBitmap }) });
      const field = batch.schema.fields.find(({ name }) => name === column)!;
      return withoutColumns(withColumn(batch, field, mixed), [other]);
    }),
});

/** `weight` of the first drawing and the rest of the second, value by value, rounded. */
function mixInto(first: Uint8Array, second: Uint8Array, weight: number): void {
  for (let i = 0; i < first.length; i++) first[i] = first[i]! * weight + second[i]! * (1 - weight) + 0.5;
}
