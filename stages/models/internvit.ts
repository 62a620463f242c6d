import * as tf from '@tensorflow/tfjs-core';
import { AlignflowError } from '../../pipeline/errors.js';
import { imageTokens, type VisionConfig } from './config.js';
import { inModule } from './module.js';
import { attention } from './ops/attention.js';
import { checkpoint } from './ops/checkpoint.js';
import { takeRows } from './ops/embedding.js';
import { linearScale, normLinear } from './ops/fold.js';
import { geluCore } from './ops/gelu.js';
import { linear } from './ops/linear.js';
import { residual } from './ops/residual.js';
import { rmsNorm, unitRms } from './ops/rms-norm.js';
import { type Parameters, parametersOf } from './parameters.js';

/** A batch of images, and what is random about a training step. */
export interface VisionInputs {
  /** Normalised RGB, float32 [B, side, side, 3]. */
  readonly images: tf.Tensor;
  /** Patches that are kept (FLIP, arXiv 2212.00794), int32 [B, K], each 0 to patches - 1. CLS is kept always. Default: all. */
  readonly keep?: tf.Tensor;
  /** Drop path: what each sample's branch is multiplied by, float32 [depth, 2, B], attention first. Default: all 1. */
  readonly dropPath?: tf.Tensor;
}

/**
 * InternViT (arXiv 2312.14238, section 3.2; `modeling_intern_vit.py` of the published model): pre-norm blocks with
 * RMSNorm, QK-norm over the full width, layer scale. Neither before the first block nor behind the last one is a norm.
 *
 * @returns the last hidden state [B * T, D], CLS first in each image; T is 1 + the number of kept patches
 * @throws AlignflowError when the images have another side than the model
 */
export function internvit(parameters: Parameters, config: VisionConfig, inputs: VisionInputs): tf.Tensor {
  checkImages(inputs.images, config);
  const batch = inputs.images.shape[0]!;
  const factors = inputs.dropPath === undefined ? [] : tf.unstack(tf.reshape(inputs.dropPath, [-1, batch]));
  let x = inModule('vision_model.embeddings', () => embed(parameters, config, inputs));
  for (let layer = 0; layer < config.depth; layer++) {
    const [attention, mlp] = factors.slice(2 * layer, 2 * layer + 2);
    const dropped = attention === undefined || mlp === undefined ? {} : { attention, mlp };
    x = inModule(layerName(layer), () =>
      checkpoint(x, parametersOf(parameters, `${layerName(layer)}.`), dropped, (x, own, factors) =>
        block(own, config, layer, x, batch, factors),
      ),
    );
  }
  return x;
}

const layerName = (layer: number) => `vision_model.encoder.layers.${layer}`;

function checkImages({ shape }: tf.Tensor, { image }: VisionConfig): void {
  if (shape.length === 4 && shape[1] === image && shape[2] === image && shape[3] === 3) return;
  throw new AlignflowError({
    what: `images come as [${shape.join(', ')}]`,
    expected: `[batch, ${image}, ${image}, 3], the image side that the model is made for`,
    fix: 'resize the images to that side, or set vision.image of the model',
  });
}

/** Patches through the convolution (a linear map, as stride and side are equal), plus positions, CLS in front. */
function embed(parameters: Parameters, config: VisionConfig, { images, keep }: VisionInputs): tf.Tensor {
  const { width, patch } = config;
  const of = (name: string) => parameters[`vision_model.embeddings.${name}`]!;
  const batch = images.shape[0]!;
  const tokens = imageTokens(config);
  const weight = tf.reshape(tf.transpose(of('patch_embedding.weight'), [0, 2, 3, 1]), [width, 3 * patch ** 2]);
  const added = tf.add(tf.reshape(of('position_embedding'), [tokens, width]), offsets(parameters, tokens));
  const patches = imagePatches(images, config);
  if (keep === undefined) {
    const embedded = tf.reshape(linear(patches, weight), [batch, tokens * width]);
    return tf.reshape(tf.add(embedded, tf.reshape(added, [1, tokens * width])), [batch * tokens, width]);
  }
  const kept = tf.pad(tf.add(keep as tf.Tensor2D, tf.onesLike(keep)), [
    [0, 0],
    [1, 0],
  ]);
  const firsts = tf.mul(tf.range(0, batch, 1, 'int32'), tf.scalar(tokens, 'int32'));
  const rows = tf.reshape(tf.add(kept, tf.reshape(firsts, [batch, 1])), [-1]);
  return tf.add(linear(tf.gather(patches, rows as tf.Tensor1D), weight), takeRows(added, tf.reshape(kept, [-1])));
}

/** What is added to each token besides its position: CLS to the first, whose patch is empty, the bias to the others. */
function offsets(parameters: Parameters, tokens: number): tf.Tensor {
  const cls = tf.reshape(parameters['vision_model.embeddings.class_embedding']!, [1, -1]);
  const bias = tf.reshape(parameters['vision_model.embeddings.patch_embedding.bias']!, [1, -1]);
  return tf.concat([cls, tf.tile(bias, [tokens - 1, 1])]);
}

/** [B, side, side, 3] to [B * (1 + patches), patch * patch * 3], an empty patch first in each image. */
function imagePatches(images: tf.Tensor, { image, patch }: VisionConfig): tf.Tensor {
  const batch = images.shape[0]!;
  const side = image / patch;
  const grid = tf.transpose(tf.reshape(images, [batch, side, patch, side, patch * 3]), [0, 1, 3, 2, 4]);
  const rows = tf.reshape(grid, [batch, side * side, patch * patch * 3]) as tf.Tensor3D;
  return tf.reshape(
    tf.pad(rows, [
      [0, 0],
      [1, 0],
      [0, 0],
    ]),
    [-1, patch * patch * 3],
  );
}

function block(
  parameters: Parameters,
  { heads, width, eps }: VisionConfig,
  layer: number,
  x: tf.Tensor,
  batch: number,
  factors: Readonly<Record<string, tf.Tensor>>,
): tf.Tensor {
  const of = (name: string) => parameters[`${layerName(layer)}.${name}`]!;
  const attended = inModule('attn', () => {
    const [q, k, v] = normLinear(x, of('norm1.weight'), eps, tf.split(of('attn.qkv.weight'), 3)) as Triple;
    // Both norms' weights and 1 / sqrt(d) multiply the same products, so all of them go to the side of q.
    const weight = tf.mul(tf.mul(of('attn.q_norm.weight'), of('attn.k_norm.weight')), (width / heads) ** -0.5);
    const mixed = attention(rmsNorm(q, weight, eps), unitRms(k, eps), v, { batch, heads, scale: 1 });
    return linearScale(mixed, of('attn.proj.weight'), of('attn.proj.bias'), of('ls1'));
  });
  const middle = residual(x, attended, factors.attention);
  return residual(
    middle,
    inModule('mlp', () => mlp(parameters, layer, middle, eps)),
    factors.mlp,
  );
}

/** Layer scale of fc2(gelu(fc1(RMSNorm(x)))). Both factors 1 / sqrt 2 of GELU are in the vectors beside the weights. */
function mlp(parameters: Parameters, layer: number, x: tf.Tensor, eps: number): tf.Tensor {
  const of = (name: string) => parameters[`${layerName(layer)}.${name}`]!;
  const norm = tf.mul(of('norm2.weight'), Math.SQRT1_2);
  const [hidden] = normLinear(x, norm, eps, [of('mlp.fc1.weight')], [tf.mul(of('mlp.fc1.bias'), Math.SQRT1_2)]);
  const bias = tf.mul(of('mlp.fc2.bias'), Math.SQRT2);
  return linearScale(geluCore(hidden!), of('mlp.fc2.weight'), bias, tf.mul(of('ls2'), Math.SQRT1_2));
}

type Triple = [tf.Tensor, tf.Tensor, tf.Tensor];
