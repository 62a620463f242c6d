import { createRequire } from 'node:module';

type ParquetWasm = typeof import('parquet-wasm');

/** Milliseconds without a call after which an instance is given up. */
const IDLE = 5000;

let current: { readonly instance: ParquetWasm; readonly idle: NodeJS.Timeout } | undefined;

/**
 * The package parquet-wasm, 5 MB, loaded when the first file is read or written: a plan does without it. Its memory only ever
 * grows (a row group of 80 MB leaves 330 MB behind), so an instance that nobody asks for is given up with all of it, and the
 * next call makes another. Tables of the old one stay as they are, and keep it in memory.
 */
export function parquetWasm(): ParquetWasm {
  current ??= { instance: load(), idle: setTimeout(giveUp, IDLE).unref() };
  current.idle.refresh();
  return current.instance;
}

function giveUp(): void {
  current = undefined;
}

/** An instance that nothing else knows: the cache of modules and the module that asked for it would keep it for ever. */
function load(): ParquetWasm {
  const require = createRequire(import.meta.url);
  const file = require.resolve('parquet-wasm');
  const instance = require(file) as ParquetWasm;
  delete require.cache[file];
  return instance;
}
