import { totalmem } from 'node:os';

/** Bytes of memory that there are: those of the container, where one has fewer than the machine. */
export function memoryThereIs(): number {
  const constrained = process.constrainedMemory() ?? 0;
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}
