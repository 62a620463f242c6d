export {
  changeConfig,
  checkConfig,
  type EmbedConfig,
  hasCrossAttention,
  type InitConfig,
  imageTokens,
  type ModelChanges,
  type ModelConfig,
  type QueryConfig,
  type TextConfig,
  type VisionConfig,
} from './config.js';
export { type CaptionOptions, generateCaptions } from './generate.js';
export {
  type GenerativeInputs,
  type GenerativeOutputs,
  generativeForward,
  generativeMask,
} from './generative.js';
export { internvit, type VisionInputs } from './internvit.js';
export {
  encodeImage,
  encodeImageG,
  encodeText,
  poolImage,
  poolImageG,
  poolQueries,
  projectText,
  queryPass,
} from './internvl.js';
export { llama, type TextInputs } from './llama.js';
export { causalMask, type View, viewMask, views } from './masks.js';
export { initialise, type Parameters } from './parameters.js';
export { type QllamaInputs, type QllamaResult, qllama } from './qllama.js';
export { type NewTensor, openSafetensors, type SafetensorsFile, writeSafetensors } from './safetensors.js';
export { countParameters, type ParameterKind, type ParameterSpec, parameterShapes, parameterSpecs } from './shapes.js';
export { type ModelSize, modelConfig, modelSizes } from './sizes.js';
