import type { Sample } from '../../pipeline/metrics.js';
import { createRandom, type Random } from '../../pipeline/run/random.js';
import { drawPicture } from '../picture.js';
import type { TaskOutcome } from './tasks.js';

/** An image of the gallery. */
interface Picture {
  /** Index of the image in the evaluation set. */
  readonly index: number;
  /** RGB, rows first. */
  readonly pixels: Uint8Array;
}

/**
 * Some images of an evaluation set for the report, each with the same chance (reservoir sampling; Vitter 1985, algorithm R):
 * the first ones would all be of one kind where a set is in order.
 */
export class Gallery {
  private readonly places: Picture[] = [];
  private readonly count: number;
  private readonly random: Random;
  private seen = 0;

  /** @param count most images that are kept */
  constructor(count: number, seed: number) {
    this.count = count;
    this.random = createRandom(seed);
  }

  /** Shows it the next image. */
  add(pixels: Uint8Array): void {
    const index = this.seen++;
    const place = index < this.count ? index : this.random.integer(index + 1);
    if (place < this.count) this.places[place] = { index, pixels: pixels.slice() };
  }

  /** The kept images in the order of the set, each with what a task answered; images that were not asked are left out. */
  async samples({ task, answers }: TaskOutcome, side: number): Promise<Sample[]> {
    const pictures = this.places.toSorted((a, b) => a.index - b.index);
    const picture = (pixels: Uint8Array) => drawPicture({ height: side, width: side, pixels });
    const samples = pictures.map(async ({ index, pixels }): Promise<Sample[]> => {
      const answer = answers.get(index);
      return answer === undefined ? [] : [{ kind: 'sample', title: task, ...answer, image: await picture(pixels) }];
    });
    return (await Promise.all(samples)).flat();
  }
}
