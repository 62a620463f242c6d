/**
 * Tensors of bytes, a quarter of the size that the same numbers take in tfjs's own types. tfjs knows no such type and takes them for
 * int32: nothing but `bytesToFloat` may read them.
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
