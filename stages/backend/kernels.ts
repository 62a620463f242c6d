import { createRequire } from 'node:module';
import { usesGpu } from './gpu.js';
import { type NativeOps, nativeOps } from './native.js';

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
 * `undefined` on a GPU and with WebAssembly. `ALIGNFLOW_KERNELS=0` in the environment leaves all that computes to TensorFlow.
 */
export function ownKernels(): NativeOps | undefined {
  return loaded && process.env.ALIGNFLOW_KERNELS !== '0' && !usesGpu() ? nativeOps() : undefined;
}

/** Whether the kernels are there that any device can run, a GPU too. */
export function kernelsForAnyDevice(): NativeOps | undefined {
  return loaded ? nativeOps() : undefined;
}
