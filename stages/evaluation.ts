import { setImmediate as nextTurn } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-core';
import { FixedSizeBinary, type RecordBatch, Utf8 } from 'apache-arrow';
import { concat, concatMap, connect, defer, finalize, map, merge, mergeAll, type OperatorFunction } from 'rxjs';
import { decodeTokens, endId, openTokenizer } from '../operators/tokenizers/tokenizer-file.js';
import { batchBytes } from '../pipeline/batch/bytes.js';
import { readColumn } from '../pipeline/batch/column.js';
import { selectColumns } from '../pipeline/batch/columns.js';
import { rebatch } from '../pipeline/batch/rebatch.js';
import { takeRows } from '../pipeline/batch/select.js';
import { AlignflowError } from '../pipeline/errors.js';
import type { MemoryBudget } from '../pipeline/graph/budget.js';
import type { StageEvent } from '../pipeline/metrics.js';
import { defineStage, type StageInputs } from '../pipeline/stage.js';
import { startBackend } from './backend/start.js';
import { Encoder, joined } from './evaluation/encoder.js';
import { Gallery } from './evaluation/gallery.js';
import { PairSet } from './evaluation/pair-set.js';
import { captioningTask, retrievalTask, type TaskOutcome, zeroShotTask } from './evaluation/tasks.js';
import type { RowProduct } from './evaluators/row-product.js';
import { checkTokenizer, checkTrainedBy, modelOf, tokenizerOf } from './hand-over.js';
import type { ModelConfig } from './models/config.js';
import type { CaptionOptions } from './models/generate.js';
import { modelFacts } from './models/model-facts.js';
import { readPrompt } from './prompts.js';
import { modelColumns } from './tensors.js';
import { loadModel } from './training/model-folder.js';

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

/** Images that the report shows for each task. */
const SAMPLES = 24;

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
    const checkpoint = inputs.checkpoint!;
    const model = modelOf(checkpoint);
    checkTokenizer(checkpoint, inputs);
    if (mode === 'g') checkTrainedBy(checkpoint, 'generative', 'mode g');
    if (tasks.includes('captioning')) checkTrainedBy(checkpoint, 'generative', 'captioning');
    if (tasks.length === 0 || (tasks.includes('zero-shot') && languages.length === 0)) {
      throw new AlignflowError({
        what: `${tasks.length === 0 ? 'tasks' : 'languages'} is empty, so nothing would be scored`,
        expected: tasks.length === 0 ? 'one or more of retrieval, zero-shot, captioning' : 'a language for zero-shot',
      });
    }
    const { facts, memory } = modelFacts(model, 0);
    return { facts, memory, hands: {} };
  },
  run: (config, inputs, context) =>
    defer(async () => {
      await startBackend();
      const captions = config.tasks.includes('captioning') ? await captionOptions(config, inputs) : undefined;
      await readPrompt(tokenizerOf(inputs).folder, config.tokens, config.length);
      const { config: model, parameters } = await loadModel(inputs.checkpoint!.folder);
      const { mode, pixels, tokens, length } = config;
      const encoder = new Encoder(parameters, model, {
        mode,
        pixels,
        tokens,
        length,
        ...(captions === undefined ? {} : { captions }),
      });
      const set = new PairSet(config);
      const gallery = new Gallery(SAMPLES, context.seed);
      const encoding = context.rows().pipe(
        map((batch) => ({ batch, rows: set.add(batch) })),
        connect((sorted) =>
          merge(
            sorted.pipe(
              map(({ batch, rows }) => takeRows(selectColumns(batch, [pixels]), rows.images)),
              rebatch(config.batch),
              eachInTurn(context.budget, (batch) => {
                for (const image of readColumn(batch, pixels, FixedSizeBinary)) gallery.add(image!);
                encoder.addImages(batch);
              }),
            ),
            sorted.pipe(
              map(({ batch, rows }) => takeRows(selectColumns(batch, [tokens]), rows.names)),
              rebatch(config.batch),
              eachInTurn(context.budget, (batch) => encoder.addTexts(batch)),
            ),
          ),
        ),
        map((): StageEvent => ({ kind: 'progress', done: set.texts.length, unit: 'rows', doing: 'encoding' })),
      );
      const scoring = defer(() => score(config, inputs, model, set, encoder, gallery)).pipe(mergeAll());
      return concat(encoding, scoring).pipe(finalize(() => encoder.dispose()));
    }).pipe(mergeAll()),
});

/** Works on a batch at a time. A turn of the event loop passes before each, and sources wait for what is still to be done. */
function eachInTurn(budget: MemoryBudget, work: (batch: RecordBatch) => void): OperatorFunction<RecordBatch, void> {
  return (batches) =>
    batches.pipe(
      map((batch) => ({ batch, release: budget.hold(batchBytes(batch)) })),
      concatMap(async ({ batch, release }) => {
        try {
          await nextTurn();
          work(batch);
        } finally {
          release();
        }
      }),
    );
}

async function captionOptions({ captions, beams, most }: Evaluation, inputs: StageInputs): Promise<CaptionOptions> {
  return { prompt: await readPrompt(tokenizerOf(inputs).folder, captions), end: endId, beams, most };
}

/** The figures of all tasks, and examples of what retrieval (or else zero-shot) and captioning answered. */
async function score(
  { tasks, main, languages }: Evaluation,
  inputs: StageInputs,
  model: ModelConfig,
  set: PairSet,
  encoder: Encoder,
  gallery: Gallery,
): Promise<StageEvent[]> {
  const { dim } = model.embed;
  const encoded = { set, dim, images: joined(encoder.images), names: joined(encoder.texts), product: tensorProduct };
  const outcomes: TaskOutcome[] = [];
  if (tasks.includes('retrieval')) outcomes.push(retrievalTask(encoded, main));
  if (tasks.includes('zero-shot')) outcomes.push(...languages.map((language) => zeroShotTask(encoded, language)));
  const shown = outcomes.slice(0, 1);
  if (tasks.includes('captioning')) {
    const tokenizer = await openTokenizer(tokenizerOf(inputs).folder);
    const texts = await Promise.all(encoder.captions.map((ids) => decodeTokens(tokenizer, ids)));
    const outcome = captioningTask(set, main, texts);
    outcomes.push(outcome);
    shown.push(outcome);
  }
  const samples = await Promise.all(shown.map((outcome) => gallery.samples(outcome, model.vision.image)));
  return [...outcomes.flatMap(({ results }) => results), ...samples.flat()];
}

/** The product of two row sets on the tensor backend. */
const tensorProduct: RowProduct = (a, b, rows) => {
  const dim = a.length / rows;
  const product = tf.tidy(() =>
    tf.matMul(tf.tensor2d(a, [rows, dim]), tf.tensor2d(b, [b.length / dim, dim]), false, true),
  );
  const values = product.dataSync<'float32'>();
  product.dispose();
  return values;
};
