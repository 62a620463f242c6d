/**
 * Tensors of bytes, a quarter of the size that the same numbers take in tfjs's own types. tfjs knows no such type and takes them for
 * int32: nothing but `bytesToFloat` and `sliceBytes` may read them.
 */
import * as tf from '@tensorflow/tfjs-core';
import { tensorflowBackend } from './addon.js';
import { boolAttribute, dataTypes, nativeOps, typeAttribute } from './native.js';

/** A tensor of bytes. With TensorFlow they are not copied: do not write to them afterwards. */
export function byteTensor(values: Uint8Array, shape: readonly number[]): tf.Tensor {
  const backend = tensorflowBackend();
  if (backend === undefined) return tf.tensor(Int32Array.from(values), [...shape], 'int32');
  const dtype = dataTypes.uint8;
  return backend.createOutputTensor({
    id: backend.binding.createTensor(shape, dtype, values),
    shape: [...shape],
    dtype,
  });
}

/** The bytes of such a tensor as float32, 0 to 255. */
export function bytesToFloat(bytes: tf.Tensor): tf.Tensor {
  const native = nativeOps();
  if (native === undefined) return tf.cast(bytes, 'float32');
  const attributes = [
    typeAttribute('SrcT', 'uint8'),
    typeAttribute('DstT', 'float32'),
    boolAttribute('Truncate', false),
  ];
  return native.execute('Cast', attributes, [bytes], 1)[0]!;
}

/** Rows `from` to before `to` of such a tensor, along its first axis. */
export function sliceBytes(bytes: tf.Tensor, from: number, to: number): tf.Tensor {
  const begin = bytes.shape.map((_, axis) => (axis === 0 ? from : 0));
  const size = bytes.shape.map((length, axis) => (axis === 0 ? to - from : length));
  const native = nativeOps();
  if (native === undefined) return tf.slice(bytes, begin, size);
  const attributes = [typeAttribute('T', 'uint8'), typeAttribute('Index', 'int32')];
  return tf.tidy(() => {
    const [at, lengths] = [tf.tensor1d(begin, 'int32'), tf.tensor1d(size, 'int32')];
    return native.execute('Slice', attributes, [bytes, at, lengths], 1)[0]!;
  });
}
