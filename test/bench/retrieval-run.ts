/**
 * The retrieval metric on embeddings in a file, in a process of its own. Prints one line of JSON like `peers/retrieval_ranks.py`.
 * Usage: node retrieval-run.js FILE
 */
import { readFileSync } from 'node:fs';
import { startBackend } from '../../stages/backend/start.js';
import { withTensorProduct } from '../../stages/evaluation/tensor-product.js';
import { retrieval } from '../../stages/evaluators/retrieval.js';
import { retrievalSize } from './retrieval-embeddings.js';

const { images, perImage, dim } = retrievalSize;
const { version } = await startBackend();
const { buffer, byteOffset, byteLength } = readFileSync(process.argv[2]!);
const all = new Float32Array(buffer, byteOffset, byteLength / 4);
const texts = Int32Array.from({ length: images * perImage }, (_, text) => text);
const pairs = { texts, images: texts.map((text) => Math.floor(text / perImage)) };
const rounds = Array.from({ length: 3 }, () => {
  const began = performance.now();
  const found = withTensorProduct((product) =>
    retrieval({ images: all.subarray(0, images * dim), texts: all.subarray(images * dim), dim, pairs, product }),
  );
  return { seconds: (performance.now() - began) / 1000, found };
});
const { found } = rounds[0]!;
const result = {
  seconds: rounds.map(({ seconds }) => seconds).sort((a, b) => a - b)[1],
  peakBytes: process.resourceUsage().maxRSS * 1024,
  version: `TensorFlow ${version}`,
  imageToText: [...found.imageToText.recall.values()],
  textToImage: [...found.textToImage.recall.values()],
};
process.stdout.write(`${JSON.stringify(result)}\n`);
