import { Utf8 } from 'apache-arrow';
import { defer, mergeMap } from 'rxjs';
import { AlignflowError } from '../pipeline/errors.js';
import { defineStage } from '../pipeline/stage.js';
import { checkTokenizer, checkTrainedBy, modelColumns, modelOf } from './hand-over.js';
import { modelFacts } from './models/model-facts.js';

/**
 * Scores a checkpoint on image-text pairs: retrieval, zero-shot classification, captioning. A row is an image and one of
 * its captions; rows with the same value of `image` show the same image.
 */
export interface Evaluation {
  /** What is scored: recall between images and names; classification with the names as classes; generated captions. */
  tasks: ('retrieval' | 'zero-shot' | 'captioning')[];
  /** c: InternVL-C, the pooled vision tower. g: InternVL-G, which adds the pooled queries; needs a generative stage. */
  mode: 'c' | 'g';
  /** Column of images of one size, the model's. */
  pixels: string;
  /** Column of token ids: captions behind the prefix that the contrastive stage trained with. */
  tokens: string;
  /** Column of token ids whose prompt is what captions are generated behind. */
  captions: string;
  /** Column of the captions' text. */
  caption: string;
  /** Column that tells images apart: rows with the same value show the same image. */
  image: string;
  /** Column of the captions' languages. */
  language: string;
  /**
   * Columns with the value that they have where the caption is a name: a text of retrieval, a class of zero-shot. The other
   * captions are further references of generated ones. Without any, all captions are names.
   */
  names: Record<string, string>;
  /** Language of retrieval and captioning. */
  main: string;
  /** Languages of zero-shot classification. */
  languages: string[];
  /** Longest text, tokens, with prefix and both marks; longer ones are cut, keeping their end mark. @integer @minimum 3 */
  length: number;
  /** Images or texts that are encoded at once. @integer @minimum 1 */
  batch: number;
  /** Beams of caption search; 1 is greedy. @integer @minimum 1 */
  beams: number;
  /** Most tokens of a generated caption, end mark included. @integer @minimum 1 */
  most: number;
}

export default defineStage({
  name: 'evaluation',
  defaults: {
    tasks: ['retrieval', 'zero-shot'],
    mode: 'c',
    pixels: 'pixels',
    tokens: 'tokens',
    captions: 'caption_tokens',
    caption: 'caption',
    image: 'key',
    language: 'language',
    names: {},
    main: 'en',
    languages: ['en'],
    length: 80,
    batch: 256,
    beams: 5,
    most: 30,
  },
  takes: {
    rows: 'required',
    checkpoint: 'required',
    tokenizer: 'optional',
    metrics: ['image_to_text_r*', 'text_to_image_r*', 'zero_shot_*', 'caption_exact_match', 'caption_cider'],
  },
  reads: ({ pixels, tokens, caption, image, language, names }: Evaluation, { checkpoint }) => ({
    ...modelColumns(pixels, checkpoint === undefined ? 1 : modelOf(checkpoint).vision.image, [tokens]),
    ...Object.fromEntries([caption, image, language, ...Object.keys(names)].map((column) => [column, new Utf8()])),
  }),
  plan: ({ tasks, mode, languages }, inputs) => {
    if (tasks.length === 0 || (tasks.includes('zero-shot') && languages.length === 0)) {
      throw new AlignflowError({
        what: `${tasks.length === 0 ? 'tasks' : 'languages'} is empty, so nothing would be scored`,
        expected: tasks.length === 0 ? 'one or more of retrieval, zero-shot, captioning' : 'a language for zero-shot',
        options: [tasks.length === 0 ? 'tasks' : 'languages'],
      });
    }
    const checkpoint = inputs.checkpoint!;
    const model = modelOf(checkpoint);
    checkTokenizer(checkpoint, inputs);
    if (mode === 'g') checkTrainedBy(checkpoint, 'generative', 'mode g');
    if (tasks.includes('captioning')) checkTrainedBy(checkpoint, 'generative', 'captioning');
    const { facts, memory } = modelFacts(model, 0);
    return { facts, memory, hands: {} };
  },
  run: (config, inputs, context) =>
    defer(() => import('./evaluation/evaluate.js')).pipe(mergeMap(({ evaluate }) => evaluate(config, inputs, context))),
});
