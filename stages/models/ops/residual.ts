import * as tf from '@tensorflow/tfjs-core';
import { floatType, toFloat32 } from '../../backend/bfloat16.js';
import { ownKernels } from '../../backend/kernels.js';
import { typeAttribute } from '../../backend/native.js';
import { differentiable } from './differentiable.js';

/**
 * x + branch, the branch dropped for some samples (stochastic depth, arXiv 1603.09382).
 * @param x [B * T, D]
 * @param branch [B * T, D]
 * @param factors what each sample's branch is multiplied by, [B]: 0 where it is dropped, 1 / (1 - rate) where it is kept
 */
export function residual(x: tf.Tensor, branch: tf.Tensor, factors?: tf.Tensor): tf.Tensor {
  const own = ownKernels();
  if (own !== undefined) {
    const type = floatType(branch);
    const given = [typeAttribute('Out', type)];
    return differentiable(
      [x, branch],
      () => {
        const scale = factors ?? tf.zeros([0]);
        const inputs = [toFloat32(x), branch, scale];
        return { value: own.execute('AlignflowResidual', [typeAttribute('T', type)], inputs, 1)[0]!, saved: [scale] };
      },
      (dy, [scale]) => [dy.clone(), own.execute('AlignflowBranchGradient', given, [toFloat32(dy), scale], 1)[0]!],
    );
  }
  if (factors === undefined) {
    return differentiable(
      [x, branch],
      () => ({ value: tf.add(x, branch), saved: [] }),
      (dy) => [dy.clone(), dy.clone()],
    );
  }
  return differentiable(
    [x, branch],
    () => ({ value: tf.add(x, scaleSamples(branch, factors)), saved: [factors] }),
    (dy, [factors]) => [dy.clone(), scaleSamples(dy, factors)],
  );
}

function scaleSamples(x: tf.Tensor, factors: tf.Tensor): tf.Tensor {
  const samples = factors.shape[0]!;
  return tf.reshape(tf.mul(tf.reshape(x, [samples, -1]), tf.reshape(factors, [samples, 1])), x.shape);
}
