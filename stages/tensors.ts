/** Arrow columns to tensors: the one place where rows become what a model is fed. */
import * as tf from '@tensorflow/tfjs-core';
import { FixedSizeBinary, type Int32, type List, List as ListType, type RecordBatch, type Vector } from 'apache-arrow';
import { pixelsShape } from '../operators/images/pixels.js';
import { readColumn } from '../pipeline/batch/column.js';
import { AlignflowError } from '../pipeline/errors.js';
import { byteTensor } from './backend/byte-tensor.js';
import type { TextInputs } from './models/llama.js';

/**
 * A column of images of one size as a tensor of bytes, [B, S, S, 3], which `normalisePixels` turns into what a model reads. No
 * copy: the tensor is the column's memory.
 */
export function pixelTensor(batch: RecordBatch, column: string): tf.Tensor {
  const vector = readColumn(batch, column, FixedSizeBinary);
  checkImages(vector, column);
  const field = batch.schema.fields.find(({ name }) => name === column)!;
  const { height, width } = pixelsShape(field);
  const bytes = (vector.data[0]!.values as Uint8Array).subarray(0, batch.numRows * height * width * 3);
  return byteTensor(bytes, [batch.numRows, height, width, 3]);
}

function checkImages(vector: Vector<FixedSizeBinary>, column: string): void {
  if (vector.nullCount === 0) return;
  throw new AlignflowError({
    what: `column ${column} has no image`,
    where: { row: Array.from({ length: vector.length }, (_, row) => row).find((row) => !vector.isValid(row))! },
    expected: 'an image in each row',
    fix: 'drop rows without an image before this stage (image/resize does)',
  });
}

/** Token ids of a batch of texts, padded to one length. */
export interface TokenIds {
  /** [B, T], padded with 0 (`<pad>`) behind each text. */
  readonly ids: Int32Array;
  /** Tokens of each text, begin and end marks included. */
  readonly lengths: Int32Array;
  readonly batch: number;
  /** T. */
  readonly length: number;
}

/**
 * A column of token ids, cut and padded to `length` (the end mark stays when a text is cut). A null is an error: rows
 * without text do not reach a model. So is an id that is not below `vocabulary`: a GPU would take it for a row of zeros.
 */
export function tokenIds(batch: RecordBatch, column: string, length: number, vocabulary: number): TokenIds {
  const vector = readColumn<List<Int32>>(batch, column, ListType);
  const ids = new Int32Array(batch.numRows * length);
  const lengths = new Int32Array(batch.numRows);
  for (let row = 0; row < batch.numRows; row++) {
    const tokens = vector.get(row)?.toArray() as Int32Array | undefined;
    if (tokens === undefined || tokens.length === 0) {
      throw new AlignflowError({
        what: `column ${column} has no tokens`,
        where: { row },
        expected: 'at least one token id in each row',
        fix: 'drop rows without text before this stage (filter/caption-length and tokenizer/encode do)',
      });
    }
    const kept = Math.min(tokens.length, length);
    ids.set(tokens.subarray(0, kept), row * length);
    ids[row * length + kept - 1] = tokens[tokens.length - 1]!;
    lengths[row] = kept;
  }
  checkIds(ids, length, column, vocabulary);
  return { ids, lengths, batch: batch.numRows, length };
}

function checkIds(ids: Int32Array, length: number, column: string, vocabulary: number): void {
  const at = ids.findIndex((id) => id < 0 || id >= vocabulary);
  if (at < 0) return;
  throw new AlignflowError({
    what: `column ${column} has the token ${ids[at]}`,
    where: { row: Math.floor(at / length) },
    expected: `ids from 0 to ${vocabulary - 1}, the model's vocabulary`,
    fix: 'encode the texts with the tokenizer that the model was made for',
  });
}

/** Token ids as a model reads them: [B, T], and the position of each text's end mark, [B]. */
export function textInputs({ ids, lengths, batch, length }: TokenIds): TextInputs {
  return {
    tokens: tf.tensor2d(ids, [batch, length], 'int32'),
    ends: tf.tensor1d(endsOf(lengths), 'int32'),
  };
}

/** Position of each text's end mark. */
export function endsOf(lengths: Int32Array): Int32Array {
  return lengths.map((length) => length - 1);
}
