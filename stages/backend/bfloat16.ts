/**
 * Tensors that are bfloat16 underneath. tfjs knows no such type and takes them for float32, in half the bytes. Ops that only move
 * elements leave them as they are; any other op of tfjs gets them as float32, and gives float32.
 */
import * as tf from '@tensorflow/tfjs-core';
import { type Addon, type Attribute, type TensorflowBackend, type TensorMetadata, tensorflowBackend } from './addon.js';
import { ownKernels } from './kernels.js';
import { attributeTypes, boolAttribute, dataTypes, nativeOps, typeAttribute } from './native.js';

/** Ops whose result has elements of their first inputs, unchanged. */
const moves = new Set(
  'Identity Reshape Squeeze ExpandDims Transpose Slice StridedSlice Split SplitV ConcatV2 Pack Unpack GatherV2 Reverse ReverseV2 Tile PadV2'.split(
    ' ',
  ),
);

/** tfjs-node's backend, a class of its. */
export type BackendClass = new (binding: Addon, packageName: string) => TensorflowBackend;

/** The same backend with such tensors. */
export function withBfloat16(base: BackendClass): BackendClass {
  return class extends base {
    override createOutputTensor(metadata: TensorMetadata): tf.Tensor {
      if (metadata.dtype !== dataTypes.bfloat16) return super.createOutputTensor(metadata);
      const tensor = super.createOutputTensor({ ...metadata, dtype: dataTypes.float32 });
      this.tensorMap.get(tensor.dataId)!.dtype = dataTypes.bfloat16;
      return tensor;
    }

    override executeSingleOutput(op: string, attributes: readonly Attribute[], inputs: tf.TensorInfo[]): tf.Tensor {
      return this.executeMultipleOutputs(op, attributes, inputs, 1)[0]!;
    }

    override executeMultipleOutputs(
      op: string,
      attributes: readonly Attribute[],
      inputs: tf.TensorInfo[],
      count: number,
    ): tf.Tensor[] {
      if (!inputs.some(isRounded)) return super.executeMultipleOutputs(op, attributes, inputs, count);
      const floats = inputs.filter(({ dtype }) => dtype === 'float32');
      if (moves.has(op) && floats.every(isRounded)) {
        return super.executeMultipleOutputs(op, attributes.map(retyped), inputs, count);
      }
      if (op === 'Add' && tf.util.arraysEqual(inputs[0]!.shape, inputs[1]!.shape)) {
        const sum = sumOf(inputs[0]!, inputs[1]!);
        if (sum !== undefined) return [sum];
      }
      const made: tf.Tensor[] = [];
      const asFloat = (input: tf.TensorInfo) => {
        if (!isRounded(input)) return input;
        made.push(cast(input, 'bfloat16', 'float32'));
        return made.at(-1)!;
      };
      const outputs = super.executeMultipleOutputs(op, attributes, inputs.map(asFloat), count);
      for (const tensor of made) tensor.dispose();
      return outputs;
    }

    override readSync(dataId: tf.DataId): ReturnType<TensorflowBackend['readSync']> {
      const held = this.tensorMap.get(dataId);
      if (held?.dtype !== dataTypes.bfloat16) return super.readSync(dataId);
      const value = cast({ dataId, shape: held.shape, dtype: 'float32' }, 'bfloat16', 'float32');
      const values = super.readSync(value.dataId);
      value.dispose();
      return values;
    }
  };
}

/** The sum of two tensors of either type in one pass, where our own kernels run: gradients of what several ops read. */
function sumOf(a: tf.TensorInfo, b: tf.TensorInfo): tf.Tensor | undefined {
  const types = [typeAttribute('A', floatType(a)), typeAttribute('B', floatType(b))];
  return ownKernels()?.execute('AlignflowAdd', types, [a as tf.Tensor, b as tf.Tensor], 1)[0];
}

/** Whether a tensor is bfloat16 underneath. */
export function isRounded({ dataId, dtype }: tf.TensorInfo): boolean {
  return dtype === 'float32' && tensorflowBackend()?.tensorMap.get(dataId)?.dtype === dataTypes.bfloat16;
}

/** A float tensor's type, as TensorFlow has it. */
export function floatType(tensor: tf.TensorInfo): 'float32' | 'bfloat16' {
  return isRounded(tensor) ? 'bfloat16' : 'float32';
}

/** A tensor's values rounded to bfloat16, to nearest, ties to even: the tensor itself if it is so already. TensorFlow alone has this. */
export function toBfloat16(tensor: tf.Tensor): tf.Tensor {
  return isRounded(tensor) ? tensor : cast(tensor, 'float32', 'bfloat16');
}

/** A tensor as float32 in memory too: the tensor itself if it is so already. */
export function toFloat32(tensor: tf.Tensor): tf.Tensor {
  return isRounded(tensor) ? cast(tensor, 'bfloat16', 'float32') : tensor;
}

/** A tensor in that type: the tensor itself if it is so already. */
export function toType(tensor: tf.Tensor, type: 'float32' | 'bfloat16'): tf.Tensor {
  return type === 'bfloat16' ? toBfloat16(tensor) : toFloat32(tensor);
}

type FloatType = 'float32' | 'bfloat16';

function cast(tensor: tf.TensorInfo, from: FloatType, to: FloatType): tf.Tensor {
  const attributes = [typeAttribute('SrcT', from), typeAttribute('DstT', to), boolAttribute('Truncate', false)];
  return nativeOps()!.execute('Cast', attributes, [tensor as tf.Tensor], 1)[0]!;
}

function retyped(attribute: Attribute): Attribute {
  return attribute.type === attributeTypes.type && attribute.value === dataTypes.float32
    ? { ...attribute, value: dataTypes.bfloat16 }
    : attribute;
}
