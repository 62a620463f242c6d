import { createRequire } from 'node:module';

type ParquetWasm = typeof import('parquet-wasm');

/** The package parquet-wasm, 5 MB, loaded when the first file is read or written: a plan does without it. */
export function parquetWasm(): ParquetWasm {
  loaded ??= createRequire(import.meta.url)('parquet-wasm') as ParquetWasm;
  return loaded;
}

let loaded: ParquetWasm | undefined;
