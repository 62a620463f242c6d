import * as tf from '@tensorflow/tfjs-core';
import type { RecordBatch } from 'apache-arrow';
import { takeRows } from '../../pipeline/batch/select.js';
import { compiledProgram } from '../backend/graph/compiled.js';
import type { Program, Tensors } from '../backend/program.js';
import type { CaptionState } from '../models/caption-steps.js';
import type { ModelConfig } from '../models/config.js';
import { type CaptionOptions, captionShape, searchCaptions } from '../models/generate.js';
import type { Parameters } from '../models/parameters.js';
import { pixelTensor, textInputs, tokenIds } from '../tensors.js';
import { imageStep, type Mode, textStep, tokenStep } from './encoder-steps.js';

/** What an encoder reads, and how. */
export interface EncoderOptions {
  readonly mode: Mode;
  readonly pixels: string;
  readonly tokens: string;
  /** Longest text, tokens. */
  readonly length: number;
  /** How captions are generated; none are when left out. */
  readonly captions?: CaptionOptions;
}

/**
 * Encodes the rows of record batches with a model, and collects what comes out. Each step is recorded for as many rows as its
 * first batch has; a batch with fewer rows is filled up.
 */
export class Encoder {
  /** Embeddings of the images so far, each [n, dim], of length 1. */
  readonly images: Float32Array[] = [];
  /** Embeddings of the texts so far, each [n, dim], of length 1. */
  readonly texts: Float32Array[] = [];
  /** Token ids of a caption for each image, without prompt and end mark; empty where none are asked for. */
  readonly captions: (readonly number[])[] = [];
  private readonly parameters: Parameters;
  private readonly model: ModelConfig;
  private readonly options: EncoderOptions;
  private readonly programs: { readonly image: Program; readonly text: Program; readonly token: Program | undefined };
  private rows = { image: 0, text: 0 };

  /** @param parameters the encoder's from now on */
  constructor(parameters: Parameters, model: ModelConfig, options: EncoderOptions) {
    this.parameters = parameters;
    this.model = model;
    this.options = options;
    const { mode, captions } = options;
    const shape = captions === undefined ? undefined : captionShape(model, captions);
    this.programs = {
      image: compiledProgram(imageStep(model, mode, shape), {}),
      text: compiledProgram(textStep(model), {}),
      token: shape === undefined ? undefined : compiledProgram(tokenStep(model, shape), {}),
    };
  }

  /** Why steps run op by op; undefined where they are recorded. */
  get reason(): string | undefined {
    return this.programs.image.reason ?? this.programs.text.reason ?? this.programs.token?.reason;
  }

  /** Encodes the image of each row. */
  addImages(batch: RecordBatch): void {
    const { model, options, programs } = this;
    const pixels = pixelTensor(this.filled('image', batch), options.pixels);
    const { embedding, ...state } = this.run(programs.image, { pixels });
    this.images.push(firstRows(embedding!, batch.numRows));
    if (programs.token === undefined) return;
    const read = (feeds: Tensors) => programs.token!.run({ ...this.parameters, ...feeds }) as CaptionState;
    const found = searchCaptions(model, options.captions!, state as CaptionState, read);
    this.captions.push(...found.slice(0, batch.numRows));
  }

  /** Encodes the text of each row. */
  addTexts(batch: RecordBatch): void {
    const { tokens, length } = this.options;
    const ids = tokenIds(this.filled('text', batch), tokens, length, this.model.text.vocabulary);
    const { embedding } = this.run(this.programs.text, { ...textInputs(ids) });
    this.texts.push(firstRows(embedding!, batch.numRows));
  }

  dispose(): void {
    for (const program of Object.values(this.programs)) program?.dispose();
    tf.dispose({ ...this.parameters });
  }

  /** Runs a step with the parameters, and disposes of its other feeds. */
  private run(program: Program, feeds: Tensors): Record<string, tf.Tensor> {
    try {
      return program.run({ ...this.parameters, ...feeds });
    } finally {
      tf.dispose({ ...feeds });
    }
  }

  /** The batch with its last row as often again as the step needs. */
  private filled(step: 'image' | 'text', batch: RecordBatch): RecordBatch {
    this.rows[step] = Math.max(this.rows[step], batch.numRows);
    return takeRows(
      batch,
      Uint32Array.from({ length: this.rows[step] }, (_, row) => Math.min(row, batch.numRows - 1)),
    );
  }
}

/** Values of the first rows of [n, dim]; the tensor is disposed of. */
function firstRows(tensor: tf.Tensor, rows: number): Float32Array {
  const values = tensor.dataSync<'float32'>();
  tensor.dispose();
  return values.subarray(0, rows * tensor.shape[1]!);
}

/** Arrays one after the other. */
export function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
