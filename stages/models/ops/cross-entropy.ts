import * as tf from '@tensorflow/tfjs-core';
import { toFloat32 } from '../../backend/bfloat16.js';
import { usesGpu } from '../../backend/gpu.js';
import { nativeOps, typeAttribute } from '../../backend/native.js';
import { differentiable } from './differentiable.js';

/** What a cross-entropy may have beside logits and labels. */
export interface CrossEntropyOptions {
  /** float32 [N]; all 1 when left out. A row of weight 0 is ignored. */
  readonly weights?: tf.Tensor;
  /** What the weighted sum is divided by, a scalar, where these rows are a part of a batch: the weights of all of it. sum(w) by default. */
  readonly total?: tf.Tensor;
  /** Share of the target that goes to all classes alike, 0 to 1 (Szegedy et al., arXiv 1512.00567, section 7). 0 by default. */
  readonly smoothing?: number;
}

/**
 * Mean cross-entropy of softmax(logits) against the labels, weighted: sum(w loss) / sum(w), 0 where all weights are 0.
 * Only one tensor of the logits' size is kept for the gradient.
 *
 * @param given the logits, [N, C]
 * @param labels int32 [N], each 0 to C - 1, those of weight 0 too
 * @returns a scalar
 */
export function softmaxCrossEntropy(
  given: tf.Tensor,
  labels: tf.Tensor,
  { weights, total, smoothing = 0 }: CrossEntropyOptions = {},
): tf.Tensor {
  const rows = given.shape[0]!;
  return differentiable(
    [given],
    () => {
      const logits = toFloat32(given);
      // CUDA's kernel of this op does not give the same bits each time.
      const hard = nativeOps() === undefined || usesGpu() ? portable(logits, labels) : native(logits, labels);
      const { losses, gradient } = smoothing === 0 ? hard : smooth(hard, logits, labels, smoothing);
      const counted = weights ?? tf.ones([rows]);
      const shares = tf.div(counted, tf.maximum(total ?? tf.sum(counted), 1e-12));
      return { value: tf.sum(tf.mul(losses, shares)), saved: [gradient, shares] };
    },
    (dy, [gradient, shares]) => [tf.mul(gradient, tf.reshape(tf.mul(shares, dy), [rows, 1]))],
  );
}

/** Loss of each row [N], and its gradient, softmax - one-hot, [N, C]. */
interface RowLosses {
  readonly losses: tf.Tensor;
  readonly gradient: tf.Tensor;
}

function native(logits: tf.Tensor, labels: tf.Tensor): RowLosses {
  const attributes = [typeAttribute('T', 'float32'), typeAttribute('Tlabels', 'int32')];
  const op = 'SparseSoftmaxCrossEntropyWithLogits';
  const [losses, gradient] = nativeOps()!.execute(op, attributes, [logits, labels], 2);
  return { losses: losses!, gradient: gradient! };
}

function portable(logits: tf.Tensor, labels: tf.Tensor): RowLosses {
  const [rows, classes] = logits.shape as [number, number];
  const shifted = tf.sub(logits, tf.max(logits, -1, true));
  const exponentials = tf.exp(shifted);
  const sums = tf.sum(exponentials, -1);
  const positions = tf.add(tf.mul(tf.range(0, rows, 1, 'int32'), tf.scalar(classes, 'int32')), labels);
  const chosen = tf.gather(tf.reshape(shifted, [-1]), positions as tf.Tensor1D);
  const oneHot = tf.oneHot(labels as tf.Tensor1D, classes);
  return {
    losses: tf.sub(tf.log(sums), chosen),
    gradient: tf.sub(tf.div(exponentials, tf.reshape(sums, [rows, 1])), oneHot),
  };
}

/**
 * Against `(1 - smoothing) one-hot + smoothing / C`, as torch.nn.functional.cross_entropy has it. The loss of a row grows by
 * `smoothing (logit of the label - mean logit)`, so its gradient by `smoothing (one-hot - 1 / C)`.
 */
function smooth({ losses, gradient }: RowLosses, logits: tf.Tensor, labels: tf.Tensor, smoothing: number): RowLosses {
  const [rows, classes] = logits.shape as [number, number];
  const oneHot = tf.oneHot(labels as tf.Tensor1D, classes);
  const excess = tf.sub(tf.sum(tf.mul(logits, oneHot), -1), tf.mean(logits, -1));
  const shift = tf.mul(tf.sub(oneHot, 1 / classes), smoothing);
  return {
    losses: tf.add(losses, tf.mul(excess, smoothing)),
    gradient: tf.add(gradient, tf.reshape(shift, [rows, classes])),
  };
}
