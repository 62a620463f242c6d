import * as tf from '@tensorflow/tfjs-core';
import { Field, FixedSizeBinary, Int32, List, type RecordBatch, Utf8 } from 'apache-arrow';
import { concatMap, defer, from, mergeAll, type Observable } from 'rxjs';
import sharp from 'sharp';
import { decodeTokens, openTokenizer } from '../operators/tokenizers/tokenizer-file.js';
import { readColumn } from '../pipeline/batch/column.js';
import type { Sample, StageEvent } from '../pipeline/metrics.js';
import { defineStage, type StageContext, type StageInputs } from '../pipeline/stage.js';
import { startBackend } from './backend/start.js';
import { Encoder, joined } from './evaluation/encoder.js';
import { PairSet } from './evaluation/pair-set.js';
import {
  captioningTask,
  type Encoded,
  referencesOf,
  retrievalTask,
  type TaskOutcome,
  zeroShotTask,
} from './evaluation/tasks.js';
import type { RowProduct } from './evaluators/row-product.js';
import { checkVocabulary, modelOf, tokenizerOf } from './hand-over.js';
import type { ModelConfig } from './models/config.js';
import { modelFacts } from './models/model-facts.js';
import { readPrompts } from './prompts.js';
import { loadModel } from './training/model-folder.js';

/**
 * Scores a checkpoint on image-text pairs: retrieval, zero-shot classification, captioning. A row is an image and one of
 * its captions; rows with the same value of `image` show the same image.
 */
export interface Evaluation {
  /** What is scored. */
  tasks: ('retrieval' | 'zero-shot' | 'captioning')[];
  /** InternVL-C pools the vision tower; InternVL-G adds the pooled queries and needs the generative stage. */
  mode: 'c' | 'g';
  /** Column of images of one size. */
  pixels: string;
  /** Column of token ids, behind the prefix of the text tower. */
  tokens: string;
  /** Column whose prompt captions are generated behind. */
  captions: string;
  /** Column of the captions' text. */
  caption: string;
  /** Column that tells images apart. */
  image: string;
  /** Column of the captions' languages. */
  language: string;
  /** Columns and values of the rows whose caption is a name: a text of retrieval, a class of zero-shot; others are further references. */
  names: Record<string, string>;
  /** Language of retrieval and captioning. */
  main: string;
  /** Languages of zero-shot classification. */
  languages: string[];
  /** Longest text, tokens. @minimum 3 */
  length: number;
  /** Rows that are encoded at once. @minimum 1 */
  batch: number;
  /** Beams of caption search; 1 is greedy. @minimum 1 */
  beams: number;
  /** Most tokens of a caption. @minimum 1 */
  most: number;
}

/** Images that the report shows. */
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
    [pixels]: new FixedSizeBinary(3 * (checkpoint === undefined ? 1 : modelOf(checkpoint).vision.image) ** 2),
    [tokens]: new List(new Field('item', new Int32(), true)),
    ...Object.fromEntries([caption, image, language, ...Object.keys(names)].map((column) => [column, new Utf8()])),
  }),
  plan: (_config, inputs) => {
    const model = modelOf(inputs.checkpoint!);
    checkVocabulary(model, inputs);
    const { facts, memory } = modelFacts(model, 0);
    return { facts, memory, hands: {} };
  },
  run: (config, inputs, context) => defer(() => evaluate(config, inputs, context)).pipe(mergeAll()),
});

async function evaluate(
  config: Evaluation,
  inputs: StageInputs,
  context: StageContext,
): Promise<Observable<StageEvent>> {
  await startBackend();
  const { config: model, parameters } = await loadModel(inputs.checkpoint!.folder);
  const { folder } = tokenizerOf(inputs);
  const captioning = config.tasks.includes('captioning');
  const prompt = captioning ? await readPrompts(folder, config.captions) : [];
  const { mode, pixels, tokens, length, batch: rowsAtOnce } = config;
  const encoder = new Encoder(parameters, model, {
    mode,
    pixels,
    tokens,
    length,
    batch: rowsAtOnce,
    ...(captioning ? { captions: { prompt, end: 2, beams: config.beams, most: config.most } } : {}),
  });
  const set = new PairSet(config);
  const images: Float32Array[] = [];
  const names: Float32Array[] = [];
  const captions: (readonly number[])[] = [];
  const pictures: Uint8Array[] = [];

  /** Encodes what is new in a batch of rows. */
  const encode = async (batch: RecordBatch): Promise<StageEvent> => {
    const rows = set.add(batch);
    const encoded = encoder.images(batch, rows.images);
    images.push(encoded.embeddings);
    captions.push(...encoded.captions);
    names.push(encoder.texts(batch, rows.names));
    const column = readColumn(batch, config.pixels, FixedSizeBinary);
    for (const row of rows.images.subarray(0, SAMPLES - pictures.length))
      pictures.push(await picture(column.get(row)!, model));
    return { kind: 'progress', done: set.texts.length, unit: 'rows', doing: 'encoding' };
  };

  const score = async (): Promise<StageEvent[]> => {
    encoder.dispose();
    const encoded: Encoded = {
      set,
      dim: model.embed.dim,
      images: joined(images),
      names: joined(names),
      product: tensorProduct,
    };
    const outcomes: TaskOutcome[] = [];
    if (config.tasks.includes('retrieval')) outcomes.push(retrievalTask(encoded, config.main));
    if (config.tasks.includes('zero-shot'))
      outcomes.push(...config.languages.map((language) => zeroShotTask(encoded, language)));
    if (captioning) {
      const tokenizer = await openTokenizer(folder);
      const texts = await Promise.all(captions.map((ids) => decodeTokens(tokenizer, ids)));
      outcomes.push(captioningTask(encoded, config.main, texts));
    }
    return [...outcomes.flatMap(({ results }) => results), ...samplesOf(outcomes, encoded, config, pictures)];
  };
  return from([context.rows().pipe(concatMap((batch) => encode(batch))), defer(score).pipe(mergeAll())]).pipe(
    concatMap((events) => events),
  );
}

/** The first images with what retrieval (or else the first task) answered, or the generated caption. */
function samplesOf(
  outcomes: readonly TaskOutcome[],
  { set }: Encoded,
  config: Evaluation,
  pictures: readonly Uint8Array[],
): Sample[] {
  const shown = outcomes.find(({ results }) => results[0]?.task.startsWith('captioning')) ?? outcomes[0];
  if (shown === undefined) return [];
  const names = referencesOf(set, config.main, ({ name }) => name);
  return pictures.map((image, i) => ({
    kind: 'sample',
    title: shown.results[0]!.task,
    text: shown.answers[i] ?? '',
    expected: names[i]![0] ?? '',
    image,
  }));
}

/** The image that the model saw, as a PNG. */
async function picture(pixels: Uint8Array, { vision }: ModelConfig): Promise<Uint8Array> {
  return sharp(pixels, { raw: { width: vision.image, height: vision.image, channels: 3 } })
    .png()
    .toBuffer();
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
