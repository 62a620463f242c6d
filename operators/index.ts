/** alignflow's own sources, operators and sinks, for use from code. Manifests name them: `filter/caption-length` is `filterCaptionLength`. */

export { default as columnsSelect } from './columns/select.js';
export { default as dedupExact } from './dedup/exact.js';
export { default as filterCaptionLength } from './filters/caption-length.js';
export { default as filterEquals } from './filters/equals.js';
export { default as filterImageSize } from './filters/image-size.js';
export { default as filterLanguage } from './filters/language.js';
export { default as filterScore } from './filters/score.js';
export { default as imageAugment } from './images/augment.js';
export { default as imageDecode } from './images/decode.js';
export { default as imageResize } from './images/resize.js';
export { default as orderBatch } from './order/batch.js';
export { default as orderShuffle } from './order/shuffle.js';
export { default as scoreSharpness } from './scores/sharpness.js';
export { default as sinkParquet } from './sinks/parquet.js';
export { default as sourceParquet } from './sources/parquet.js';
export { default as textPrompt } from './text/prompt.js';
export { default as tokenizerEncode } from './tokenizers/encode.js';
export { default as tokenizerTrainBpe } from './tokenizers/train-bpe.js';
