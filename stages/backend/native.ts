import type * as tf from '@tensorflow/tfjs-core';
import { type Attribute, type TensorflowBackend, type TensorMetadata, tensorflowBackend } from './addon.js';

export type { Attribute } from './addon.js';

/** TensorFlow's own kernels, of which tfjs shows only a part: fused products, `Rsqrt`, `Einsum`, `ResourceApplyAdam`, ... */
export interface NativeOps {
  /**
   * Runs one TensorFlow op. Attributes that the op infers from nothing (its types among them) must all be given.
   * The outputs belong to the current `tf.tidy`. No gradient is recorded: call it inside `tf.customGrad`.
   * Throws TensorFlow's message when the op is unknown or an input or attribute does not fit.
   *
   * @param op name in TensorFlow's op registry
   * @param outputs number of outputs of the op
   */
  execute(op: string, attributes: readonly Attribute[], inputs: readonly tf.Tensor[], outputs: number): tf.Tensor[];
}

/** Numbers of TensorFlow's data types (`enum TF_DataType` in `tensorflow/c/tf_datatype.h`). */
export const dataTypes = {
  float32: 1,
  int32: 3,
  uint8: 4,
  string: 7,
  complex64: 8,
  int64: 9,
  bool: 10,
  bfloat16: 14,
} as const;

/** Bytes of an element, by TensorFlow's number of its type. */
const widths = new Map<number, number>([
  [dataTypes.float32, 4],
  [dataTypes.int32, 4],
  [dataTypes.int64, 8],
  [dataTypes.complex64, 8],
  [dataTypes.bfloat16, 2],
  [dataTypes.uint8, 1],
  [dataTypes.bool, 1],
]);

/** Bytes of a tensor; 0 for texts. */
export function bytesOf({ shape, dtype }: Pick<TensorMetadata, 'shape' | 'dtype'>): number {
  return shape.reduce((product, length) => product * length, widths.get(dtype) ?? 0);
}

/** Numbers of TensorFlow's attribute types (`enum TF_AttrType` in `tensorflow/c/tf_attrtype.h`). */
export const attributeTypes = { string: 0, int: 1, float: 2, bool: 3, type: 4, shape: 5 } as const;

/** A data type, for instance `T`. */
export function typeAttribute(name: string, dtype: keyof typeof dataTypes): Attribute {
  return { name, type: attributeTypes.type, value: dataTypes[dtype] };
}

export function boolAttribute(name: string, value: boolean | readonly boolean[]): Attribute {
  return { name, type: attributeTypes.bool, value };
}

/** An integer or a list of integers, for instance `strides`. */
export function intAttribute(name: string, value: number | readonly number[]): Attribute {
  return { name, type: attributeTypes.int, value };
}

export function floatAttribute(name: string, value: number | readonly number[]): Attribute {
  return { name, type: attributeTypes.float, value };
}

/** A string, for instance the `equation` of `Einsum`. */
export function stringAttribute(name: string, value: string): Attribute {
  return { name, type: attributeTypes.string, value };
}

export function shapeAttribute(name: string, value: readonly number[]): Attribute {
  return { name, type: attributeTypes.shape, value };
}

const ops: NativeOps = {
  execute(op, attributes, inputs, outputs) {
    const backend = tensorflowBackend();
    if (backend === undefined) throw new Error(`${op} was called natively, but TensorFlow is not in use`);
    checkTypes(op, attributes, inputs, backend);
    return backend.binding
      .executeOp(op, attributes, backend.getInputTensorIds(inputs), outputs)
      .map((metadata) => backend.createOutputTensor(metadata));
  },
};

/**
 * TensorFlow runs a kernel of float32 on the memory of a bfloat16 tensor if it is told so, and reads beyond its end. So an op that
 * gets such a tensor has to say of some type that it is bfloat16.
 */
function checkTypes(
  op: string,
  attributes: readonly Attribute[],
  inputs: readonly tf.Tensor[],
  { tensorMap }: Pick<TensorflowBackend, 'tensorMap'>,
): void {
  const says = attributes.some(({ type, value }) => type === attributeTypes.type && value === dataTypes.bfloat16);
  if (says || inputs.every(({ dataId }) => tensorMap.get(dataId)?.dtype !== dataTypes.bfloat16)) return;
  throw new Error(`${op} was given a tensor in bfloat16, which its attributes know nothing of`);
}

/** TensorFlow's kernels when the backend in use is TensorFlow, else `undefined`. */
export function nativeOps(): NativeOps | undefined {
  return tensorflowBackend() === undefined ? undefined : ops;
}
