import { AlignflowError, defineOperator, readColumn, withColumn, withoutColumns, withoutFields } from 'alignflow';
import { FixedSizeBinary, vectorFromArray } from 'apache-arrow';
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
      const first = readColumn(batch, column, FixedSizeBinary);
      const second = readColumn(batch, other, FixedSizeBinary);
      const mixed = Array.from({ length: batch.numRows }, (_, row) => {
        const a = first.get(row);
        const b = second.get(row);
        const random = context.random(batch, row);
        return a === null || b === null || random.next() >= share ? a : mix(a, b, random.next());
      });
      const field = batch.schema.fields.find(({ name }) => name === column)!;
      return withoutColumns(withColumn(batch, field, vectorFromArray(mixed, first.type)), [other]);
    }),
});

/** `weight` of the first drawing and the rest of the second, value by value, rounded. */
function mix(first: Uint8Array, second: Uint8Array, weight: number): Uint8Array {
  const mixed = new Uint8Array(first.length);
  for (let i = 0; i < mixed.length; i++) mixed[i] = first[i]! * weight + second[i]! * (1 - weight) + 0.5;
  return mixed;
}
