/** Random embeddings for the retrieval benchmark: images, and texts that lie near their image, all of length 1. */
import { writeFile } from 'node:fs/promises';
import { createRandom } from '../../pipeline/run/random.js';
import { normalizeRows } from '../../stages/evaluators/embeddings.js';

/** How many there are, and how wide: the sets of COCO's size in the published evaluation. */
export const retrievalSize = { images: 5000, perImage: 5, dim: 768 } as const;

/** How much of its image a text has: recalls are then between 0 and 1. */
const SHARE = 0.12;

/** Writes images and then texts, float32, row-major. Text `i` belongs to image `i / perImage`, rounded down. */
export async function writeEmbeddings(file: string): Promise<void> {
  const { images, perImage, dim } = retrievalSize;
  const random = createRandom(7);
  const all = new Float32Array(images * (1 + perImage) * dim);
  for (let i = 0; i < all.length; i++) all[i] = random.between(-1, 1);
  for (let text = 0; text < images * perImage; text++) {
    const at = (images + text) * dim;
    const image = Math.floor(text / perImage) * dim;
    for (let d = 0; d < dim; d++) all[at + d]! += SHARE * all[image + d]!;
  }
  await writeFile(file, normalizeRows(all, dim));
}
