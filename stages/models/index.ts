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
export { internvit, type VisionInputs } from './internvit.js';
export { encodeImage, encodeText, poolImage } from './internvl.js';
export { llama, type TextInputs } from './llama.js';
export { initialise, type Parameters } from './parameters.js';
export { countParameters, type ParameterKind, type ParameterSpec, parameterShapes, parameterSpecs } from './shapes.js';
export { type ModelSize, modelConfig, modelSizes } from './sizes.js';
