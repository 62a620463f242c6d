import * as tf from '@tensorflow/tfjs-core';

/**
 * Gives the WebAssembly backend the kernel that training needs and that it lacks: `UnsortedSegmentSum`, the gradient of
 * `tf.gather` and so of every embedding. Input `x` [...S, ...D] and `segmentIds` int32 [...S] give [numSegments, ...D];
 * rows with a segment outside of [0, numSegments) are left out, as TensorFlow does.
 */
export function registerWasmKernels(): void {
  tf.registerKernel({
    kernelName: tf.UnsortedSegmentSum,
    backendName: 'wasm',
    kernelFunc({ inputs, backend, attrs }) {
      const { x, segmentIds } = inputs as Readonly<Record<'x' | 'segmentIds', tf.TensorInfo>>;
      const { numSegments } = attrs as unknown as tf.UnsortedSegmentSumAttrs;
      const storage = backend as tf.KernelBackend;
      const shape = [numSegments, ...x.shape.slice(segmentIds.shape.length)];
      const values = sumSegments(
        storage.readSync(x.dataId) as Float32Array | Int32Array,
        storage.readSync(segmentIds.dataId) as Int32Array,
        numSegments,
        tf.util.sizeFromShape(shape.slice(1)),
      );
      return { dataId: storage.write(values, shape, x.dtype), shape, dtype: x.dtype };
    },
  });
}

function sumSegments<T extends Float32Array | Int32Array>(x: T, ids: Int32Array, segments: number, width: number): T {
  const sums = (x instanceof Int32Array ? new Int32Array(segments * width) : new Float32Array(segments * width)) as T;
  ids.forEach((id, row) => {
    if (id < 0 || id >= segments) return;
    for (let i = 0; i < width; i++) sums[id * width + i] = (sums[id * width + i] ?? 0) + (x[row * width + i] ?? 0);
  });
  return sums;
}
