/** The shapes in which training steps are measured: ours and, by the same name, the peer's. */
export const stepShapes = {
  /** The emoji manifest's: 17 tokens of 32 px pictures, short texts. */
  tiny: { batch: 256, length: 10, vocabulary: 16384, side: 32, patches: 16, text: {}, warmup: 10 },
  /** A vision tower like ViT-S/16 at 224 px, a text tower of 6 layers and 80 tokens, 44.9 million parameters. */
  small: { batch: 32, length: 80, vocabulary: 32000, side: 224, patches: 196, text: { depth: 6 }, warmup: 2 },
} as const;

/** The name of a shape, which is that of its model. */
export type StepShape = keyof typeof stepShapes;
