/** The work of the evaluation stage. It is loaded when the stage runs: a plan needs no tensors. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { FixedSizeBinary, type RecordBatch } from 'apache-arrow';
import {
  concat,
  concatMap,
  connect,
  defer,
  finalize,
  map,
  merge,
  mergeAll,
  type Observable,
  type OperatorFunction,
} from 'rxjs';
import { decodeTokens, endId, openTokenizer } from '../../operators/tokenizers/tokenizer-file.js';
import { batchBytes } from '../../pipeline/batch/bytes.js';
import { readColumn } from '../../pipeline/batch/column.js';
import { selectColumns } from '../../pipeline/batch/columns.js';
import { rebatch } from '../../pipeline/batch/rebatch.js';
import { takeRows } from '../../pipeline/batch/select.js';
import type { MemoryBudget } from '../../pipeline/graph/budget.js';
import type { Note, StageEvent } from '../../pipeline/metrics.js';
import type { StageContext, StageInputs } from '../../pipeline/stage.js';
import { startBackend } from '../backend/start.js';
import type { Evaluation } from '../evaluation.js';
import { tokenizerOf } from '../hand-over.js';
import type { ModelConfig } from '../models/config.js';
import type { CaptionOptions } from '../models/generate.js';
import { readPrompt } from '../prompts.js';
import { loadModel } from '../training/model-folder.js';
import { Encoder, joined } from './encoder.js';
import { Gallery } from './gallery.js';
import { PairSet } from './pair-set.js';
import { captioningTask, retrievalTask, type TaskOutcome, zeroShotTask } from './tasks.js';
import { withTensorProduct } from './tensor-product.js';

/** Images that the report shows for each task. */
const SAMPLES = 24;

/** Encodes images and names once, then scores all tasks. */
export function evaluate(config: Evaluation, inputs: StageInputs, context: StageContext): Observable<StageEvent> {
  return defer(async () => {
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
    // Known when the last step was met.
    const recorded = defer(() => (encoder.reason === undefined ? [] : [opByOp(encoder.reason)]));
    return concat(encoding, recorded, scoring).pipe(finalize(() => encoder.dispose()));
  }).pipe(mergeAll());
}

function opByOp(reason: string): Note {
  return { kind: 'note', text: `encoded op by op: ${reason}` };
}

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
  const outcomes = withTensorProduct((product): TaskOutcome[] => {
    const encoded = { set, dim, images: joined(encoder.images), names: joined(encoder.texts), product };
    return [
      ...(tasks.includes('retrieval') ? [retrievalTask(encoded, main)] : []),
      ...(tasks.includes('zero-shot') ? languages.map((language) => zeroShotTask(encoded, language)) : []),
    ];
  });
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
