/** The retrieval metric beside PyTorch's, on the same embeddings, in turns. */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Figure } from './figures.js';
import { measureCommand } from './measured-command.js';
import { retrievalSize, writeEmbeddings } from './retrieval-embeddings.js';

/** What one process measured. */
interface Measured {
  readonly seconds: number;
  readonly peakBytes: number;
  readonly version: string;
  readonly imageToText: readonly number[];
  readonly textToImage: readonly number[];
}

const SECONDS = 1.6;
const BYTES = 800e6;

/** Turns of each. */
const ROUNDS = 5;

/** Measures ours and the peer's, and compares what they found. */
export async function measureRetrieval(checkout: string, python: string): Promise<Figure[]> {
  const { images, perImage, dim } = retrievalSize;
  const folder = await mkdtemp(join(tmpdir(), 'alignflow-bench-'));
  try {
    const file = join(folder, 'embeddings.bin');
    await writeEmbeddings(file);
    const run = async (program: string, parts: readonly string[]): Promise<Measured> =>
      JSON.parse((await measureCommand(program, parts, { folder: checkout })).output) as Measured;
    const sizes = [images, perImage, dim].map(String);
    const rounds: { readonly ours: Measured; readonly peer: Measured }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const ours = await run('node', ['dist/test/bench/retrieval-run.js', file]);
      const threads = ['--threads', String(availableParallelism())];
      const peer = await run(python, ['test/bench/peers/retrieval_ranks.py', file, ...sizes, ...threads]);
      rounds.push({ ours, peer });
    }
    return figures(median(rounds.map(({ ours }) => ours)), median(rounds.map(({ peer }) => peer)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function figures(ours: Measured, peer: Measured): Figure[] {
  const { images, perImage, dim } = retrievalSize;
  const recalls = ({ imageToText, textToImage }: Measured) =>
    [...imageToText, ...textToImage].map((recall) => (100 * recall).toFixed(2)).join(', ');
  return [
    {
      name: `recall at 1, 5, 10 of ${images} images and ${images * perImage} texts, width ${dim}`,
      value: `${ours.seconds.toFixed(2)} s, ${(ours.seconds / peer.seconds).toFixed(2)} times the ${peer.seconds.toFixed(2)} s of ${peer.version}`,
      wanted: `at most ${SECONDS} s`,
      met: ours.seconds <= SECONDS,
    },
    {
      name: 'peak resident memory',
      value: `${(ours.peakBytes / 1e6).toFixed(0)} MB, the peer ${(peer.peakBytes / 1e6).toFixed(0)} MB`,
      wanted: `under ${BYTES / 1e6} MB`,
      met: ours.peakBytes < BYTES,
    },
    {
      name: 'recalls, %',
      value: `${recalls(ours)}; the peer ${recalls(peer)}`,
      wanted: 'the same',
      met: recalls(ours) === recalls(peer),
    },
  ];
}

function median(runs: readonly Measured[]): Measured {
  return runs.toSorted((a, b) => a.seconds - b.seconds)[runs.length >> 1]!;
}
