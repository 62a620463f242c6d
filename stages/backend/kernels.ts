import { createRequire } from 'node:module';
import type * as tf from '@tensorflow/tfjs-core';
import { floatType } from './bfloat16.js';
import { usesGpu } from './gpu.js';
import { type NativeOps, nativeOps, typeAttribute } from './native.js';

/** File name of the addon that has our own kernels, beside TensorFlow's. */
export const kernelsName = 'kernels.node';

let loaded = false;

/** Adds our own kernels to the TensorFlow of this process. Throws when the addon does not fit. */
export function loadKernels(path: string): void {
  createRequire(import.meta.url)(path);
  loaded = true;
}

/**
 * Ops that TensorFlow lacks (`kernels/`), each for what else would be several passes over large tensors. They run on a processor:
 * `undefined` on a GPU and with WebAssembly. `ALIGNFLOW_KERNELS=0` in the environment leaves all to TensorFlow.
 */
export function ownKernels(): NativeOps | undefined {
  return loaded && process.env.ALIGNFLOW_KERNELS !== '0' && !usesGpu() ? nativeOps() : undefined;
}

/**
 * The same tensor, in a recorded step not before another one is there: what is computed of it is then not computed early, nor merged
 * with the same ops on the tensor itself. Works on a GPU too, as it only hands memory on.
 */
export function after(x: tf.Tensor, other: tf.Tensor): tf.Tensor {
  const native = loaded ? nativeOps() : undefined;
  if (native === undefined) return x.clone();
  const types = [typeAttribute('T', floatType(x)), typeAttribute('Other', floatType(other))];
  return native.execute('AlignflowAfter', types, [x, other], 1)[0]!;
}
