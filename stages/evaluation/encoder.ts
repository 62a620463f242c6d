import * as tf from '@tensorflow/tfjs-core';
import type { RecordBatch } from 'apache-arrow';
import { takeRows } from '../../pipeline/batch/select.js';
import type { ModelConfig } from '../models/config.js';
import { type CaptionOptions, generateCaptions } from '../models/generate.js';
import { internvit } from '../models/internvit.js';
import { encodeText, poolImage, poolImageG } from '../models/internvl.js';
import type { Parameters } from '../models/parameters.js';
import { imageNet, imageTensor, tokenIds } from '../tensors.js';

/** InternVL-C pools the vision tower; InternVL-G adds the pooled queries (arXiv 2312.14238, Figure 4). */
export type Mode = 'c' | 'g';

/** What an encoder reads, and how. */
export interface EncoderOptions {
  readonly mode: Mode;
  readonly pixels: string;
  readonly tokens: string;
  /** Longest text, tokens. */
  readonly length: number;
  /** Rows that are encoded at once. */
  readonly batch: number;
  /** How captions are generated; none are when left out. */
  readonly captions?: CaptionOptions;
}

/** Images as a model sees them. */
export interface EncodedImages {
  /** [n, dim], of length 1. */
  readonly embeddings: Float32Array;
  /** Token ids of a caption for each, without prompt and end mark; empty where none were asked for. */
  readonly captions: readonly (readonly number[])[];
}

/** Encodes rows of record batches with a model. */
export class Encoder {
  private readonly parameters: Parameters;
  private readonly model: ModelConfig;
  private readonly options: EncoderOptions;

  constructor(parameters: Parameters, model: ModelConfig, options: EncoderOptions) {
    this.parameters = parameters;
    this.model = model;
    this.options = options;
  }

  /** Embeddings of the images of some rows, and their captions. */
  images(batch: RecordBatch, rows: Uint32Array): EncodedImages {
    const { mode, pixels, captions } = this.options;
    const pool = mode === 'c' ? poolImage : poolImageG;
    const parts = this.inParts(batch, rows, (part) => {
      const hidden = tf.tidy(() =>
        internvit(this.parameters, this.model.vision, { images: imageTensor(part, pixels, imageNet) }),
      );
      try {
        return {
          embeddings: valuesOf(() => pool(this.parameters, this.model, hidden, part.numRows)),
          captions:
            captions === undefined ? [] : generateCaptions(this.parameters, this.model, hidden, part.numRows, captions),
        };
      } finally {
        hidden.dispose();
      }
    });
    return {
      embeddings: joined(parts.map((part) => part.embeddings)),
      captions: parts.flatMap((part) => part.captions),
    };
  }

  /** Embeddings of the texts of some rows, [n, dim]. */
  texts(batch: RecordBatch, rows: Uint32Array): Float32Array {
    const { tokens, length } = this.options;
    const parts = this.inParts(batch, rows, (part) =>
      valuesOf(() => {
        const { ids, lengths } = tokenIds(part, tokens, length);
        const ends = lengths.map((count) => count - 1);
        return encodeText(this.parameters, this.model, {
          tokens: tf.tensor2d(ids, [part.numRows, length], 'int32'),
          ends: tf.tensor1d(ends, 'int32'),
        });
      }),
    );
    return joined(parts);
  }

  dispose(): void {
    tf.dispose({ ...this.parameters });
  }

  private inParts<T>(batch: RecordBatch, rows: Uint32Array, encode: (part: RecordBatch) => T): T[] {
    const parts: T[] = [];
    for (let start = 0; start < rows.length; start += this.options.batch) {
      parts.push(encode(takeRows(batch, rows.subarray(start, start + this.options.batch))));
    }
    return parts;
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
