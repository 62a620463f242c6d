/** What an encoder computes, as steps that can be recorded. Parameters are feeds: so the steps share them, and nothing is copied. */
import type { Step } from '../backend/program.js';
import { beginCaptions, type CaptionShape, continueCaptions } from '../models/caption-steps.js';
import type { ModelConfig } from '../models/config.js';
import { internvit } from '../models/internvit.js';
import { encodeText, poolImage, poolImageG } from '../models/internvl.js';
import { normalisePixels } from '../models/ops/normalise-pixels.js';

/** InternVL-C pools the vision tower; InternVL-G adds the pooled queries (arXiv 2312.14238, Figure 4). */
export type Mode = 'c' | 'g';

/**
 * Images to embeddings: `pixels`, bytes [B, S, S, 3], to `embedding` [B, dim], and the `CaptionState` behind the prompt where
 * captions begin.
 */
export function imageStep(model: ModelConfig, mode: Mode, captions: CaptionShape | undefined): Step {
  const pool = mode === 'c' ? poolImage : poolImageG;
  return (_, feeds) => {
    const batch = feeds.pixels!.shape[0]!;
    const image = internvit(feeds, model.vision, { images: normalisePixels(feeds.pixels!, model.vision.pixels) });
    const embedding = pool(feeds, model, image, batch);
    if (captions === undefined) return { outputs: { embedding }, updates: {} };
    return { outputs: { embedding, ...beginCaptions(feeds, model, { image, batch }, captions) }, updates: {} };
  };
}

/** Texts to embeddings: `tokens` int32 [B, T] and `ends` int32 [B] to `embedding` [B, dim]. */
export function textStep(model: ModelConfig): Step {
  return (_, feeds) => ({
    outputs: { embedding: encodeText(feeds, model, { tokens: feeds.tokens!, ends: feeds.ends! }) },
    updates: {},
  });
}

/** One token of captions, as `continueCaptions`. */
export function tokenStep(model: ModelConfig, shape: CaptionShape): Step {
  return (_, feeds) => ({ outputs: continueCaptions(feeds, model, shape, feeds), updates: {} });
}
