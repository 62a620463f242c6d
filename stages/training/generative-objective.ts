import * as tf from '@tensorflow/tfjs-core';
import { sliceBytes } from '../backend/byte-tensor.js';
import type { Tensors } from '../backend/program.js';
import { contrastiveLoss } from '../losses/contrastive.js';
import { itgLoss } from '../losses/itg.js';
import { itmLoss } from '../losses/itm.js';
import type { ModelConfig } from '../models/config.js';
import { generativeForward } from '../models/generative.js';
import { internvit } from '../models/internvit.js';
import { encodeText, poolQueries, queryPass } from '../models/internvl.js';
import { type View, views } from '../models/masks.js';
import { inModule } from '../models/module.js';
import { normalisePixels } from '../models/ops/normalise-pixels.js';
import type { Parameters } from '../models/parameters.js';
import type { TowerObjective } from './cached-step.js';

/**
 * What stage 2 minimises (arXiv 2312.14238, section 3.3): ITC + ITM + ITG, unweighted. Rows meet in ITC alone.
 *
 * Feeds of B rows: `pixels`; of each view `_tokens` [B, L] and `_ends` [B]; `itm_labels` and `itm_weights` [B]; `itg_rows`, the
 * positions whose next token is asked for, among [B * L], `itg_labels` and `itg_weights`, all [N] or, to be sliced, [B, P]; `itm_total`
 * and `itg_total`, the sums of the weights.
 *
 * @param smoothing of the labels of ITC and ITG, as in BLIP-2, which has 0.1
 */
export function generativeObjective(model: ModelConfig, smoothing: number): TowerObjective {
  const seen = (parameters: Parameters, { pixels }: Tensors) =>
    internvit(parameters, model.vision, { images: normalisePixels(pixels!, model.vision.pixels) });
  return {
    // Neither queries nor texts of ITC see anything else: what comes of them alone is what comes of all three views.
    encode(parameters, feeds) {
      const batch = feeds.pixels!.shape[0]!;
      const queries = queryPass(parameters, model, seen(parameters, feeds), batch);
      return {
        image: poolQueries(parameters, model, queries, batch),
        text: encodeText(parameters, model, textOf(feeds, 'itc')),
      };
    },
    withRowLosses(parameters, feeds) {
      const { image, text, itm, itg } = generativeForward(parameters, model, {
        image: seen(parameters, feeds),
        batch: feeds.pixels!.shape[0]!,
        itm: textOf(feeds, 'itm'),
        itc: textOf(feeds, 'itc'),
        itg: textOf(feeds, 'itg'),
        asked: flat(feeds.itg_rows!),
      });
      const losses = inModule('loss', () => ({
        itm: itmLoss(itm, feeds.itm_labels!, { weights: feeds.itm_weights!, total: feeds.itm_total! }),
        itg: itgLoss(itg, flat(feeds.itg_labels!), {
          weights: flat(feeds.itg_weights!),
          total: feeds.itg_total!,
          smoothing,
        }),
      }));
      return { embeddings: { image, text }, losses };
    },
    loss(parameters, { image, text }) {
      const itc = inModule('loss', () => contrastiveLoss(image!, text!, parameters.logit_scale!, { smoothing }));
      return { loss: itc, metrics: { itc } };
    },
    lossParameters: ['logit_scale'],
    rows: ({ pixels }) => pixels!.shape[0]!,
    slice: sliceFeeds,
  };
}

function textOf(feeds: Tensors, view: View) {
  return { tokens: feeds[`${view}_tokens`]!, ends: feeds[`${view}_ends`]! };
}

const flat = (tensor: tf.Tensor) => tf.reshape(tensor, [-1]);

function sliceFeeds(feeds: Tensors, from: number, to: number): Tensors {
  const rows = (name: string) => tf.slice(feeds[name]!, from, to - from);
  const texts = views.flatMap((view) => [`${view}_tokens`, `${view}_ends`]);
  const sliced = [...texts, 'itm_labels', 'itm_weights', 'itg_labels', 'itg_weights'];
  const length = feeds.itg_tokens!.shape[1]!;
  return {
    pixels: sliceBytes(feeds.pixels!, from, to),
    ...Object.fromEntries(sliced.map((name) => [name, rows(name)])),
    itg_rows: tf.tidy(() => tf.sub(rows('itg_rows'), tf.scalar(from * length, 'int32'))),
    itm_total: feeds.itm_total!.clone(),
    itg_total: feeds.itg_total!.clone(),
  };
}
