import { defineOperator, readColumn, withColumn, withoutColumns, withoutFields } from 'alignflow';
import { FixedSizeBinary, vectorFromArray } from 'apache-arrow';
import { map } from 'rxjs';

/**
 * Mixes two drawings of the same emoji by a random weight, another one in each epoch. What both vendors' drawings have
 * in common is what a third vendor's drawing will have too.
 */
export interface EmojiBlend {
  /** Pixels to mix into. */
  column: string;
  /** Pixels of the other drawing. This column is left out of what comes out. */
  other: string;
  /** Width and height of the drawings in pixels. @minimum 1 */
  size: number;
  /** Share of the rows that are mixed; the others keep their drawing. @minimum 0 @maximum 1 @unit fraction */
  share: number;
}

export default defineOperator({
  name: 'emoji/blend',
  defaults: { column: 'pixels', other: 'other_pixels', size: 64, share: 0.6 },
  reads: ({ column, other, size }: EmojiBlend) => {
    const pixels = new FixedSizeBinary(size * size * 3);
    return { [column]: pixels, [other]: pixels };
  },
  writes: (schema, { other }) => withoutFields(schema, [other]),
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
