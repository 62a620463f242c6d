/** alignflow's own stages, and the tensor backend that they run on, for use from code. */
export { type Backend, startBackend } from './backend/start.js';
export { type Contrastive, default as contrastive } from './contrastive.js';
export { default as evaluation, type Evaluation } from './evaluation.js';
export { default as filtering } from './filtering.js';
export { default as generative, type Generative } from './generative.js';
export { drawRow } from './picture.js';
export { default as tokenization, type Tokenization } from './tokenization.js';
