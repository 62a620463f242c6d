import { totalmem } from 'node:os';
import { usesGpu } from './gpu.js';

/** Bytes of memory that there are: those of the container, where one has fewer than the machine. */
export function memoryThereIs(): number {
  const constrained = process.constrainedMemory() ?? 0;
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

/** Bytes for tensors, as far as they can be foretold: a GPU has memory of its own, and TensorFlow says when that is full. */
export function memoryForTensors(): number {
  return usesGpu() ? Number.POSITIVE_INFINITY : memoryThereIs();
}
