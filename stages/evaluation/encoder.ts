import * as tf from '@tensorflow/tfjs-core';
import type { RecordBatch } from 'apache-arrow';
import type { ModelConfig } from '../models/config.js';
import { type CaptionOptions, generateCaptions } from '../models/generate.js';
import { internvit } from '../models/internvit.js';
import { encodeText, poolImage, poolImageG } from '../models/internvl.js';
import { normalisePixels } from '../models/ops/normalise-pixels.js';
import type { Parameters } from '../models/parameters.js';
import { pixelTensor, textInputs, tokenIds } from '../tensors.js';

/** InternVL-C pools the vision tower; InternVL-G adds the pooled queries (arXiv 2312.14238, Figure 4). */
export type Mode = 'c' | 'g';

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

/** Encodes the rows of record batches with a model, and collects what comes out. */
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

  constructor(parameters: Parameters, model: ModelConfig, options: EncoderOptions) {
    this.parameters = parameters;
    this.model = model;
    this.options = options;
  }

  /** Encodes the image of each row. */
  addImages(batch: RecordBatch): void {
    const { mode, pixels, captions } = this.options;
    const { parameters, model } = this;
    const pool = mode === 'c' ? poolImage : poolImageG;
    const hidden = tf.tidy(() =>
      internvit(parameters, model.vision, {
        images: normalisePixels(pixelTensor(batch, pixels), model.vision.pixels),
      }),
    );
    try {
      this.images.push(valuesOf(() => pool(parameters, model, hidden, batch.numRows)));
      if (captions !== undefined)
        this.captions.push(...generateCaptions(parameters, model, hidden, batch.numRows, captions));
    } finally {
      hidden.dispose();
    }
  }

  /** Encodes the text of each row. */
  addTexts(batch: RecordBatch): void {
    const { tokens, length } = this.options;
    this.texts.push(
      valuesOf(() =>
        encodeText(
          this.parameters,
          this.model,
          textInputs(tokenIds(batch, tokens, length, this.model.text.vocabulary)),
        ),
      ),
    );
  }

  dispose(): void {
    tf.dispose({ ...this.parameters });
  }
}

function valuesOf(encode: () => tf.Tensor): Float32Array {
  const tensor = tf.tidy(encode);
  const values = tensor.dataSync<'float32'>();
  tensor.dispose();
  return values;
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
