import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import type { ModelConfig } from '../../../stages/models/config.js';
import type { Parameters } from '../../../stages/models/parameters.js';

interface Index {
  readonly config: ModelConfig;
  readonly captions: { readonly prompt: number[]; readonly end: number; readonly new: number } & Record<
    string,
    number[][]
  >;
  readonly tensors: Record<string, { shape: number[]; dtype: 'float32' | 'int32'; offset: number }>;
}

const folder = new URL('../../reference/', import.meta.url);
const index = JSON.parse(readFileSync(new URL('internvl.json', folder), 'utf8')) as Index;
const bytes = readFileSync(new URL('internvl.bin', folder));

/** What `test/reference/internvl.py` computed with PyTorch. */
export const { config, captions } = index;

/** Values of a tensor of the reference, row-major. */
export function valuesOf(name: string): Float32Array | Int32Array {
  const { shape, dtype, offset } = index.tensors[name]!;
  const length = shape.reduce((product, size) => product * size, 1);
  const copy = bytes.buffer.slice(bytes.byteOffset + offset, bytes.byteOffset + offset + 4 * length);
  return dtype === 'int32' ? new Int32Array(copy) : new Float32Array(copy);
}

/** A tensor of the reference on the backend in use. */
export function tensorOf(name: string): tf.Tensor {
  const { shape, dtype } = index.tensors[name]!;
  return tf.tensor(valuesOf(name), shape, dtype);
}

/** Last hidden state of the vision tower for the images of the reference, [B * N, Dv]. */
export function imageHidden(): tf.Tensor {
  return tf.reshape(tensorOf('outputs/vision'), [-1, config.vision.width]);
}

/** Tensors whose name begins with `group/`, without that prefix. */
export function groupOf(group: string): Parameters {
  const names = Object.keys(index.tensors).filter((name) => name.startsWith(`${group}/`));
  return Object.fromEntries(names.map((name) => [name.slice(group.length + 1), tensorOf(name)]));
}

/** Largest difference between a tensor and the reference, relative to the reference's largest value. */
export function distance(tensor: tf.Tensor, name: string): number {
  const expected = valuesOf(name);
  if (tensor.size !== expected.length) return Number.POSITIVE_INFINITY;
  const actual = tensor.dataSync();
  let [most, scale] = [0, 1e-3];
  for (const [i, value] of expected.entries()) {
    const difference = Math.abs(actual[i]! - value);
    most = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(most, difference);
    scale = Math.max(scale, Math.abs(value));
  }
  return most / scale;
}
