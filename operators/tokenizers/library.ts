import { createRequire } from 'node:module';

type Tokenizers = typeof import('tokenizers');

/** The package tokenizers, loaded when texts are tokenized: a plan does without it. */
export function tokenizers(): Tokenizers {
  loaded ??= createRequire(import.meta.url)('tokenizers') as Tokenizers;
  return loaded;
}

let loaded: Tokenizers | undefined;
