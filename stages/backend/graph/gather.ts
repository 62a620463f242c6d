import * as tf from '@tensorflow/tfjs-core';
import type { TensorflowBackend } from '../addon.js';
import { dataTypes, intAttribute, typeAttribute } from '../native.js';

type KernelCall = Parameters<tf.KernelFunc>[0];

let replaced = false;

/**
 * Puts TensorFlow's own `GatherV2` behind `tf.gather`. tfjs-node's version reads all indices into JavaScript first, to check
 * them, which no graph can do; TensorFlow checks them too, and says which index is out of bounds.
 */
export function useNativeGather(): void {
  if (replaced) return;
  replaced = true;
  tf.unregisterKernel('GatherV2', 'tensorflow');
  tf.registerKernel({ kernelName: 'GatherV2', backendName: 'tensorflow', kernelFunc: gather });
}

function gather({ inputs, attrs, backend }: KernelCall): tf.TensorInfo {
  const [x, indices] = [inputs.x!, inputs.indices!];
  const { axis, batchDims } = attrs as unknown as tf.GatherV2Attrs;
  const tensorflow = backend as TensorflowBackend;
  const { binding } = tensorflow;
  const ids = tensorflow.getInputTensorIds([x, indices]);
  const axisId = binding.createTensor([], dataTypes.int32, Int32Array.of(axis));
  const attributes = [
    intAttribute('batch_dims', batchDims),
    typeAttribute('Tparams', x.dtype as keyof typeof dataTypes),
    typeAttribute('Tindices', 'int32'),
    typeAttribute('Taxis', 'int32'),
  ];
  try {
    return tensorflow.createOutputTensor(binding.executeOp('GatherV2', attributes, [...ids, axisId], 1)[0]!);
  } finally {
    binding.deleteTensor(axisId);
  }
}
