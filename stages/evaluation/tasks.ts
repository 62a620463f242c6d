/** From encoded images and texts to the figures of each task. */
import type { Result } from '../../pipeline/metrics.js';
import { captionTokens } from '../evaluators/caption-tokens.js';
import { cider } from '../evaluators/cider.js';
import { exactMatch } from '../evaluators/exact-match.js';
import { retrieval } from '../evaluators/retrieval.js';
import type { RowProduct } from '../evaluators/row-product.js';
import { classEmbeddings, zeroShot } from '../evaluators/zero-shot.js';
import type { PairSet } from './pair-set.js';

/** An evaluation set, encoded. */
export interface Encoded {
  readonly set: PairSet;
  readonly dim: number;
  /** [images, dim]. */
  readonly images: Float32Array;
  /** [names, dim]. */
  readonly names: Float32Array;
  readonly product: RowProduct;
}

/** What the model said of an image. */
export interface Answer {
  readonly text: string;
  /** What it should have said; the answer itself where that is right. */
  readonly expected: string;
}

/** What a task came to. */
export interface TaskOutcome {
  readonly task: string;
  readonly results: readonly Result[];
  /** By image, of those that were asked. */
  readonly answers: ReadonlyMap<number, Answer>;
}

/**
 * Recall at 1, 5 and 10 between images and their names in one language, both ways. Equal names are one text: it belongs to all
 * images of that name, and any of them is right.
 */
export function retrievalTask({ set, dim, images, names, product }: Encoded, language: string): TaskOutcome {
  const named = set.namesIn(language);
  const texts = distinct(named.map(({ text }) => text.caption));
  const { imageToText, textToImage } = retrieval({
    images,
    texts: pick(
      names,
      dim,
      texts.firsts.map((i) => named[i]!.at),
    ),
    dim,
    pairs: { texts: texts.indices, images: named.map(({ text }) => text.image) },
    product,
  });
  const task = `retrieval (${language})`;
  const note = `${imageToText.asked} images, ${texts.values.length} texts`;
  const figures = { image_to_text: imageToText.recall, text_to_image: textToImage.recall };
  const results = Object.entries(figures).flatMap(([direction, recall]) =>
    [...recall].map(([k, value]): Result => ({ kind: 'result', task, metric: `${direction}_r${k}`, value, note })),
  );
  const right = set.captionsIn(language, { namesOnly: true });
  const answers = right.flatMap((expected, image) =>
    expected.length === 0 ? [] : [[image, answer(texts.values[imageToText.first[image]!]!, expected)] as const],
  );
  return { task, results, answers: new Map(answers) };
}

/**
 * Zero-shot classification with the names of one language as the classes: top-1, top-5 (from five classes on) and mean
 * per-class recall. An image's class is its first name; images without a name are not asked.
 */
export function zeroShotTask({ set, dim, images, names, product }: Encoded, language: string): TaskOutcome {
  const firstNames = new Map(
    set
      .namesIn(language)
      .reverse()
      .map((name) => [name.text.image, name]),
  );
  const asked = [...firstNames.values()].sort((a, b) => a.text.image - b.text.image);
  const classes = distinct(asked.map(({ text }) => text.caption));
  const prompts = pick(
    names,
    dim,
    asked.map(({ at }) => at),
  );
  const { top1, top5, meanPerClassRecall, predicted } = zeroShot({
    images: pick(
      images,
      dim,
      asked.map(({ text }) => text.image),
    ),
    classes: classEmbeddings(prompts, dim, classes.indices, classes.values.length),
    dim,
    labels: classes.indices,
    product,
  });
  const task = `zero-shot (${language})`;
  const note = `${asked.length} images, ${classes.values.length} classes`;
  const figures = Object.entries({ top1, top5, mean_per_class_recall: meanPerClassRecall });
  const results = figures
    .filter(([, value]) => !Number.isNaN(value))
    .map(([name, value]): Result => ({ kind: 'result', task, metric: `zero_shot_${language}_${name}`, value, note }));
  const answers = asked.map(
    ({ text }, i) => [text.image, answer(classes.values[predicted[i]!]!, [text.caption])] as const,
  );
  return { task, results, answers: new Map(answers) };
}

/**
 * Generated captions in one language: exact match with a name, over the images that have one, and CIDEr against all captions.
 * @param captions one for each image of the set
 */
export function captioningTask(set: PairSet, language: string, captions: readonly string[]): TaskOutcome {
  set.namesIn(language);
  const scored = (references: readonly (readonly string[])[]) =>
    captions.flatMap((caption, image) => {
      const own = references[image]!.map((reference) => captionTokens(reference));
      return own.length === 0 ? [] : [{ candidate: captionTokens(caption), references: own }];
    });
  const right = set.captionsIn(language, { namesOnly: true });
  const named = scored(right);
  const all = scored(set.captionsIn(language, { namesOnly: false }));
  const task = `captioning (${language})`;
  const result = (metric: string, value: number, note: string): Result => ({
    kind: 'result',
    task,
    metric,
    value,
    note,
  });
  const answers = captions.flatMap((caption, image) => {
    const names = right[image]!;
    if (names.length === 0) return [];
    // What counts as a match is right, whatever its case and punctuation.
    const matches = exactMatch([
      { candidate: captionTokens(caption), references: names.map((name) => captionTokens(name)) },
    ]);
    return [[image, { text: caption, expected: matches === 1 ? caption : names[0]! }] as const];
  });
  return {
    task,
    results: [
      result('caption_exact_match', exactMatch(named), `${named.length} images, against names`),
      result('caption_cider', cider(all).score, `${all.length} images, against all captions in ${language}`),
    ],
    answers: new Map(answers),
  };
}

function answer(text: string, right: readonly string[]): Answer {
  return { text, expected: right.includes(text) ? text : right[0]! };
}

/** The different values in the order of their first entry, that entry of each, and for each entry the index of its value. */
function distinct(entries: readonly string[]) {
  const places = new Map<string, number>();
  const firsts: number[] = [];
  const indices = entries.map((entry, i) => {
    const place = places.get(entry) ?? places.size;
    if (place === places.size) firsts.push(i);
    places.set(entry, place);
    return place;
  });
  return { values: [...places.keys()], firsts, indices };
}

function pick(rows: Float32Array, dim: number, at: readonly number[]): Float32Array {
  const picked = new Float32Array(at.length * dim);
  for (const [i, row] of at.entries()) picked.set(rows.subarray(row * dim, (row + 1) * dim), i * dim);
  return picked;
}
