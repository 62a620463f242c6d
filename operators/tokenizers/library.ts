import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** The package tokenizers, loaded when texts are tokenized: a plan does without it. */
export function tokenizers(): typeof import('tokenizers') {
  return require('tokenizers') as typeof import('tokenizers');
}
