import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** The package parquet-wasm, 5 MB, loaded when the first file is read or written: a plan does without it. */
export function parquetWasm(): typeof import('parquet-wasm') {
  return require('parquet-wasm') as typeof import('parquet-wasm');
}
