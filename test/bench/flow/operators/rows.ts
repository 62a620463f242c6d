import { batchOf, binaryColumn, createRandom, defineSource, deriveSeed, utf8Column } from 'alignflow';
import { Binary, Field, Schema, Utf8 } from 'apache-arrow';

/** Rows of random bytes and short captions, as many as are asked for. */
export interface Rows {
  /** Bytes of all images together. @unit bytes @minimum 1 */
  bytes: number;
  /** Bytes of one image. @unit bytes @minimum 1 */
  image: number;
  /** Rows of a batch. @integer @minimum 1 */
  batch: number;
}

const UNIT = 64;

export default defineSource({
  name: 'flow/rows',
  defaults: { image: 100_000, batch: 64 },
  schema: async (_config: Rows) => new Schema([new Field('image', new Binary()), new Field('caption', new Utf8())]),
  units: async ({ bytes, image, batch }) =>
    Array.from({ length: Math.ceil(bytes / (image * batch * UNIT)) }, (_, i) => ({
      file: `unit ${i}`,
      rows: batch * UNIT,
    })),
  async *read(unit, { image, batch }, { seed }) {
    const random = createRandom(deriveSeed(seed, unit.file), 0);
    for (let i = 0; i < UNIT; i++) {
      const images = Array.from({ length: batch }, () => {
        const bytes = new Uint8Array(image);
        new DataView(bytes.buffer).setUint32(0, random.integer(2 ** 31));
        return bytes;
      });
      yield batchOf({
        image: binaryColumn(images),
        caption: utf8Column(images.map((_, j) => (j % 3 === 0 ? 'one' : 'two words'))),
      });
    }
  },
});
