/** Continuations of the live beams of every image, best first. */
export interface Continuations {
  /** Sum of log-probabilities, [images, n]. */
  readonly scores: ArrayLike<number>;
  /** beam * vocabulary + token, [images, n]. */
  readonly choices: ArrayLike<number>;
  readonly vocabulary: number;
}

interface Beam {
  readonly ids: readonly number[];
  readonly score: number;
}

/**
 * Beam search over many images at once, apart from the model. It starts with one beam an image and has `beams` of them
 * after the first step.
 */
export class BeamSearch {
  readonly images: number;
  readonly beams: number;
  readonly #end: number;
  readonly #ended: Beam[][];
  #live: Beam[][];
  #sources: number[] = [];

  /** @param end id of the end mark */
  constructor(images: number, beams: number, end: number) {
    this.images = images;
    this.beams = beams;
    this.#end = end;
    this.#ended = Array.from({ length: images }, () => []);
    this.#live = Array.from({ length: images }, () => [{ ids: [], score: 0 }]);
  }

  /** Sum of log-probabilities of each live beam, the beams of one image following each other. */
  get scores(): number[] {
    return this.#live.flat().map(({ score }) => score);
  }

  /** Newest token of each live beam. */
  get tokens(): number[] {
    return this.#live.flat().map(({ ids }) => ids.at(-1)!);
  }

  /** Which sequence of the step before each live beam continues. */
  get sources(): number[] {
    return this.#sources;
  }

  /** Whether every image has as many ended captions as there are beams. */
  get finished(): boolean {
    return this.#ended.every((ended) => ended.length >= this.beams);
  }

  /** Takes the best continuations: those among the first `beams` that end a caption end it, the first others live on. */
  advance({ scores, choices, vocabulary }: Continuations): void {
    const offered = choices.length / this.images;
    const sources: number[] = [];
    this.#live = this.#live.map((beams, image) => {
      const first = beams.length * image;
      const done = this.#ended[image]!.length >= this.beams;
      const next: Beam[] = [];
      for (let rank = 0; rank < offered && next.length < this.beams; rank++) {
        const choice = choices[image * offered + rank]!;
        const source = Math.floor(choice / vocabulary);
        const token = choice % vocabulary;
        const beam = { ids: [...beams[source]!.ids, token], score: scores[image * offered + rank]! };
        if (token !== this.#end) {
          next.push(beam);
          sources.push(first + source);
        } else if (rank < this.beams && !done) {
          this.#ended[image]!.push(beam);
        }
      }
      return next;
    });
    this.#sources = sources;
  }

  /** The caption of each image with the best mean log-probability, without the end mark. Unended ones count if few ended. */
  best(): number[][] {
    return this.#ended.map((ended, image) => {
      const candidates = ended.length < this.beams ? [...ended, ...this.#live[image]!] : ended;
      const mean = ({ ids, score }: Beam) => score / ids.length;
      const winner = candidates.reduce((best, candidate) => (mean(candidate) > mean(best) ? candidate : best));
      return winner.ids.at(-1) === this.#end ? winner.ids.slice(0, -1) : [...winner.ids];
    });
  }
}
