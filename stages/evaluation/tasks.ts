/** From encoded images and texts to the figures of each task. */
import type { Result } from '../../pipeline/metrics.js';
import { captionTokens } from '../evaluators/caption-tokens.js';
import { cider } from '../evaluators/cider.js';
import { exactMatch } from '../evaluators/exact-match.js';
import { retrieval } from '../evaluators/retrieval.js';
import type { RowProduct } from '../evaluators/row-product.js';
import { classEmbeddings, zeroShot } from '../evaluators/zero-shot.js';
import type { PairSet, PairText } from './pair-set.js';

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

/** What a task came to: its figures, and for each image what the model answered. */
export interface TaskOutcome {
  readonly results: readonly Result[];
  /** The answer for each image, and whether it is right. */
  readonly answers: readonly string[];
}

/** Recall at 1, 5 and 10 between images and their names in one language, both ways. */
export function retrievalTask(encoded: Encoded, language: string): TaskOutcome {
  const { names, rows } = namesIn(encoded, language);
  const { imageToText, textToImage } = retrieval({
    images: encoded.images,
    texts: rows,
    dim: encoded.dim,
    pairs: { texts: names.map((_, i) => i), images: names.map(({ image }) => image) },
    product: encoded.product,
  });
  const task = `retrieval (${language})`;
  const note = `${imageToText.asked} images, ${names.length} texts`;
  const results = (['image_to_text', 'text_to_image'] as const).flatMap((direction) => {
    const { recall } = direction === 'image_to_text' ? imageToText : textToImage;
    return [...recall].map(
      ([k, value]): Result => ({ kind: 'result', task, metric: `${direction}_r${k}`, value, note }),
    );
  });
  return { results, answers: [...imageToText.first].map((text) => names[text]?.caption ?? '') };
}

/** Zero-shot classification with the names of one language as the classes: top-1, top-5 and mean per-class recall. */
export function zeroShotTask(encoded: Encoded, language: string): TaskOutcome {
  const { names, rows } = namesIn(encoded, language);
  const classes = [...new Set(names.map(({ caption }) => caption))];
  const indices = new Map(classes.map((caption, i) => [caption, i]));
  const classOf = names.map(({ caption }) => indices.get(caption)!);
  const labelOf = new Map(names.map(({ image }, i) => [image, classOf[i]!]));
  // Images without a name in this language are not asked.
  const asked = Array.from({ length: encoded.set.images }, (_, image) => image).filter((image) => labelOf.has(image));
  const { top1, top5, meanPerClassRecall, predicted } = zeroShot({
    images: pick(encoded.images, encoded.dim, asked),
    classes: classEmbeddings(rows, encoded.dim, classOf, classes.length),
    dim: encoded.dim,
    labels: asked.map((image) => labelOf.get(image)!),
    product: encoded.product,
  });
  const task = `zero-shot (${language})`;
  const note = `${asked.length} images, ${classes.length} classes`;
  const figures = { top1, top5, mean_per_class_recall: meanPerClassRecall };
  return {
    results: Object.entries(figures).map(
      ([figure, value]): Result => ({ kind: 'result', task, metric: `zero_shot_${language}_${figure}`, value, note }),
    ),
    answers: [...predicted].map((index) => classes[index]!),
  };
}

/** Exact match with a name, and CIDEr against names and the other references, in one language. */
export function captioningTask(
  { set }: Pick<Encoded, 'set'>,
  language: string,
  captions: readonly string[],
): TaskOutcome {
  const references = referencesOf(set, language);
  const names = referencesOf(set, language, ({ name }) => name);
  const asked = captions.map((_, image) => image).filter((image) => references[image]!.length > 0);
  const scored = (of: readonly (readonly string[])[]) =>
    asked.map((image) => ({ candidate: captionTokens(captions[image]!), references: of[image]!.map(captionTokens) }));
  const task = `captioning (${language})`;
  const note = `${asked.length} images`;
  return {
    results: [
      {
        kind: 'result',
        task,
        metric: 'caption_exact_match',
        value: exactMatch(scored(names)),
        note: `${note}, against names`,
      },
      {
        kind: 'result',
        task,
        metric: 'caption_cider',
        value: cider(scored(references)).score,
        note: `${note}, against names and keywords`,
      },
    ],
    answers: captions,
  };
}

/** Captions of each image in a language. */
export function referencesOf(
  set: PairSet,
  language: string,
  wanted: (text: PairText) => boolean = () => true,
): string[][] {
  const lists = Array.from({ length: set.images }, (): string[] => []);
  for (const text of set.texts) if (text.language === language && wanted(text)) lists[text.image]!.push(text.caption);
  return lists;
}

function namesIn({ set, dim, names }: Encoded, language: string): { names: PairText[]; rows: Float32Array } {
  const at = set.names.flatMap((text, i) => (text.language === language ? [i] : []));
  return { names: at.map((i) => set.names[i]!), rows: pick(names, dim, at) };
}

function pick(rows: Float32Array, dim: number, at: readonly number[]): Float32Array {
  const picked = new Float32Array(at.length * dim);
  for (const [i, row] of at.entries()) picked.set(rows.subarray(row * dim, (row + 1) * dim), i * dim);
  return picked;
}
