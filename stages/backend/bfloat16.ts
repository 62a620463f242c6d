/**
 * TensorFlow ops on bfloat16. tfjs knows no such type, so values of it stay here: float32 goes in, float32 comes out, and
 * whatever stands between is handled by TensorFlow's own numbers.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { tensorflowBackend } from './addon.js';
import { type Attribute, boolAttribute, type dataTypes, typeAttribute } from './native.js';

/** Runs one op on bfloat16 values. `attributes` leave out `T`. */
export type RunOp = (op: string, attributes: readonly Attribute[], inputs: readonly number[]) => number;

/**
 * Rounds float32 tensors to bfloat16 (to nearest, ties to even), runs `work` on them and gives its result as float32. Undefined where
 * TensorFlow is not in use.
 */
export function inBfloat16(
  inputs: readonly tf.Tensor[],
  work: (run: RunOp, inputs: readonly number[]) => number,
): tf.Tensor | undefined {
  const backend = tensorflowBackend();
  if (backend === undefined) return undefined;
  const made: number[] = [];
  const execute = (op: string, attributes: readonly Attribute[], ids: readonly number[]) =>
    backend.binding.executeOp(op, attributes, ids, 1)[0]!;
  const run: RunOp = (op, attributes, ids) => {
    const { id } = execute(op, [typeAttribute('T', 'bfloat16'), ...attributes], ids);
    made.push(id);
    return id;
  };
  const rounded = backend.getInputTensorIds(inputs).map((id) => {
    const result = execute('Cast', castAttributes('float32', 'bfloat16'), [id]).id;
    made.push(result);
    return result;
  });
  try {
    const result = work(run, rounded);
    return backend.createOutputTensor(execute('Cast', castAttributes('bfloat16', 'float32'), [result]));
  } finally {
    for (const id of made) backend.binding.deleteTensor(id);
  }
}

function castAttributes(from: keyof typeof dataTypes, to: keyof typeof dataTypes): Attribute[] {
  return [typeAttribute('SrcT', from), typeAttribute('DstT', to), boolAttribute('Truncate', false)];
}
